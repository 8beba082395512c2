#pragma once

#include <absl/strings/string_view.h>

#include <string>

namespace dspex {

/// Appends `text` as a JSON string, quotes included. Only what RFC 8259 demands is escaped; other characters stay as
/// they are, byte for byte what Python's json.dumps(ensure_ascii=False) gives. Each byte that is not part of valid
/// UTF-8 becomes U+FFFD, so that the result is valid whatever comes in.
void AppendJsonString(std::string& out, absl::string_view text);

/// The same without the quotes, for a string that is put together from parts. Each part must be whole characters.
void AppendJsonEscaped(std::string& out, absl::string_view text);

}  // namespace dspex
