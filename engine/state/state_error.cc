#include "engine/state/state_error.h"

#include <absl/strings/str_cat.h>

#include "engine/base/error.h"
#include "engine/base/reasons.h"
#include "engine/json/utf8.h"

namespace dspex {

absl::Status InvalidState(absl::string_view path, absl::string_view problem, absl::string_view advice) {
  // A path has the names of a stranger's file.
  const std::string shown = Shorten(path, 200);
  const std::string subject = shown.empty() ? "The saved state" : absl::StrCat("In the saved state, ", shown);
  return Error(absl::StatusCode::kInvalidArgument, reason::kInvalidState,
               absl::StrCat(subject, " ", problem, ". ", advice, "."))
      .With("path", shown);
}

std::string StatePath(absl::string_view path, absl::string_view key) {
  return path.empty() ? std::string(key) : absl::StrCat(path, ".", key);
}

std::string ShownPath(absl::string_view path) { return path.empty() ? "the predictor" : Shorten(path, 100); }

}  // namespace dspex
