#pragma once

#include <absl/strings/string_view.h>

#include <cstddef>
#include <string>

namespace dspex {

/// One character of a UTF-8 text. A size of 0 means that no valid character begins there.
struct Utf8Char {
  char32_t code = 0;
  std::size_t size = 0;
};

/// DecodeUtf8 of a character that is not ASCII.
Utf8Char DecodeLongUtf8(absl::string_view text, std::size_t position);

/// The character that begins at `position`, which must be within `text`. Overlong forms, surrogates and what is beyond
/// U+10FFFF are invalid.
inline Utf8Char DecodeUtf8(absl::string_view text, std::size_t position) {
  const auto first = static_cast<unsigned char>(text[position]);
  return first < 0x80 ? Utf8Char{first, 1} : DecodeLongUtf8(text, position);
}

/// The length of the longest valid UTF-8 prefix that ends between characters: `text.size()` if all of it is valid.
std::size_t ValidUtf8Prefix(absl::string_view text);

/// Appends a character, which must be one (no surrogate, at most U+10FFFF).
void AppendUtf8(std::string& out, char32_t code);

/// Whether Python's str.isspace holds for the character.
bool IsPythonSpace(char32_t code);

/// At most `max_bytes` of `text`, cut between characters and marked with "..." if cut.
std::string Shorten(absl::string_view text, std::size_t max_bytes);

}  // namespace dspex
