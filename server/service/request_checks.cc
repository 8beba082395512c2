#include "server/service/request_checks.h"

#include <absl/strings/str_cat.h>

#include <algorithm>

#include "engine/base/error.h"
#include "engine/base/reasons.h"

namespace dspex {

namespace {

// Code points of UTF-8, which protobuf has checked.
std::size_t CountCharacters(absl::string_view text) {
  return static_cast<std::size_t>(
      std::count_if(text.begin(), text.end(), [](char c) { return (static_cast<unsigned char>(c) & 0xC0) != 0x80; }));
}

}  // namespace

absl::Status InvalidField(absl::string_view field, absl::string_view description, absl::string_view message) {
  return Error(absl::StatusCode::kInvalidArgument, reason::kInvalidRequest, message).Violation(field, description);
}

absl::Status CheckLength(absl::string_view text, std::size_t limit, absl::string_view field) {
  if (CountCharacters(text) <= limit) return absl::OkStatus();
  return InvalidField(field, absl::StrCat("must have at most ", limit, " characters"),
                      absl::StrCat("The field ", field, " is longer than ", limit, " characters. Shorten it."));
}

}  // namespace dspex
