#pragma once

#include <cstddef>
#include <string>
#include <string_view>

#include "engine/json/repair/repair_text.h"

namespace dspex {

/// The content of a string as far as it was read, and what the rules on where strings end ask of it.
class RepairedString {
 public:
  void Append(char32_t code);
  void Append(std::u32string_view codes);

  /// Replaces the last character, which must be a backslash.
  void ReplaceBackslash(char32_t code);
  void ReplaceBackslash(std::size_t backslashes);

  bool empty() const { return last_ == kNoChar; }

  /// The last character, kNoChar if there is none.
  char32_t last() const { return last_; }

  /// Whether an opening brace waits for its closing one.
  bool HasOpenBrace() const { return open_braces_ > 0; }

  /// Whether the content ends in a bracket, "[", and characters that are neither "]" nor white space.
  bool IsInCharacterClass() const { return class_begin_ != 0 && space_end_ <= class_begin_; }

  /// The content, in UTF-8. Surrogates that escapes made are joined; one without its other half becomes U+FFFD.
  /// `trims` cuts white space at the end, `trims_after_newline` does so if that ends in a newline.
  std::string Take(bool trims, bool trims_after_newline);

 private:
  void TrimEnd();

  std::string utf8_;
  char32_t last_ = kNoChar;
  std::size_t open_braces_ = 0;
  // Behind the last bracket that opened a character class; 0 if none is open.
  std::size_t class_begin_ = 0;
  // Behind the last white space.
  std::size_t space_end_ = 0;
  bool has_surrogates_ = false;
};

/// Joins surrogates that stand in `text` as if they were characters of UTF-8; one without its other half becomes
/// U+FFFD.
void JoinSurrogates(std::string& text);

}  // namespace dspex
