#include "server/service/page_token.h"

#include <absl/strings/escaping.h>
#include <absl/strings/str_cat.h>

#include <algorithm>

#include "engine/base/error.h"
#include "engine/base/reasons.h"
#include "server/service/digest.h"

namespace dspex {

namespace {

// A token is the base64 of a short digest and the key. The digest guards against mixing tokens up, not against forgery:
// a forged token gives nothing that the list itself would not.
constexpr std::size_t kDigestSize = 8;
constexpr std::size_t kMaxTokenSize = 512;
constexpr int kDefaultPageSize = 50;
constexpr int kMaxPageSize = 1000;

std::string ShortDigest(absl::string_view list, absl::string_view last) {
  return Sha256(absl::StrCat(list, absl::string_view("\0", 1), last)).substr(0, kDigestSize);
}

}  // namespace

std::string MakePageToken(absl::string_view list, absl::string_view last) {
  return absl::WebSafeBase64Escape(absl::StrCat(ShortDigest(list, last), last));
}

absl::StatusOr<std::string> ReadPageToken(absl::string_view list, absl::string_view token) {
  if (token.empty()) return std::string();
  std::string bytes;
  if (token.size() <= kMaxTokenSize && absl::WebSafeBase64Unescape(token, &bytes) && bytes.size() > kDigestSize) {
    std::string last = bytes.substr(kDigestSize);
    // Made again and compared as a whole: base64 has several spellings of the same bytes.
    if (MakePageToken(list, last) == token) return last;
  }
  return Error(absl::StatusCode::kInvalidArgument, reason::kInvalidRequest,
               "The page_token is not one that this list has given. Send back a next_page_token as it came, or none.")
      .Violation("page_token", "must be the next_page_token of the same list");
}

absl::StatusOr<int> ReadPageSize(int page_size) {
  if (page_size < 0) {
    return Error(absl::StatusCode::kInvalidArgument, reason::kInvalidRequest,
                 absl::StrCat("The page_size is ", page_size, ". Give 1 to ", kMaxPageSize, ", or 0 for ",
                              kDefaultPageSize, "."))
        .Violation("page_size", "must not be negative");
  }
  return page_size == 0 ? kDefaultPageSize : std::min(page_size, kMaxPageSize);
}

}  // namespace dspex
