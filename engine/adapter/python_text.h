#pragma once

#include <absl/strings/string_view.h>

#include <cstddef>
#include <string>
#include <vector>

/// Text as Python's `str` methods see it: which characters are white space, end a line or make up a word. All functions
/// take UTF-8; bytes that are none are characters of no class.
namespace dspex::python_text {

/// `str.strip()`.
absl::string_view Strip(absl::string_view text);
/// `str.lstrip()` and `str.rstrip()`.
absl::string_view StripLeft(absl::string_view text);
absl::string_view StripRight(absl::string_view text);

/// The length in bytes of the white space, not ending a line, that `text` ends with.
std::size_t TrailingBlanks(absl::string_view text);

/// Whether `text` ends with a line break of `str.splitlines()`.
bool EndsWithLineBreak(absl::string_view text);

/// The length in bytes of the characters of `\w+` that `text` begins with.
std::size_t LeadingWord(absl::string_view text);

/// The length in bytes of the first `count` characters.
std::size_t PrefixLength(absl::string_view text, std::size_t count);
/// How many characters there are.
std::size_t Length(absl::string_view text);

/// `text.splitlines()`.
std::vector<std::string> SplitLines(absl::string_view text);

/// `textwrap.dedent(text)`.
std::string Dedent(absl::string_view text);

/// The text with each byte that is not part of valid UTF-8 as U+FFFD.
std::string ValidUtf8(absl::string_view text);

/// "\n".join(text.splitlines()), except that a break at the end stays one. Bytes that are not UTF-8 become U+FFFD.
std::string NormalizeLines(absl::string_view text);

}  // namespace dspex::python_text
