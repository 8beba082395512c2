// Backslashes within strings: escapes that JSON knows, and stray ones.

#include <absl/strings/ascii.h>

#include "engine/json/repair/repairer.h"

namespace dspex {

namespace {

// What a letter behind a backslash stands for; kNoChar if the backslash stays.
char32_t Meaning(char32_t letter) {
  switch (letter) {
    case U't':
      return U'\t';
    case U'n':
      return U'\n';
    case U'r':
      return U'\r';
    case U'b':
      return U'\b';
    case U'\\':
      return U'\\';
    default:
      return kNoChar;
  }
}

}  // namespace

// Behind a backslash, which the content ends with. False if what follows is no escape.
bool Repairer::ReadEscape(StringState& state) {
  const char32_t code = Char();
  const char32_t quote = state.ActiveQuote();
  if (state.low_quotes > 0 && code == U'"') {
    state.content.ReplaceBackslash(code);
    --state.low_quotes;
    ++index_;
    return true;
  }
  if (code == U'\\' && ReadBackslashes(state)) return true;
  if (code == quote || Meaning(code) != kNoChar) {
    state.content.ReplaceBackslash(code == quote ? code : Meaning(code));
    ++index_;
    while (state.EndsWithBackslash() && (Char() == quote || Char() == U'\\') && text_.Spend(1)) {
      state.content.ReplaceBackslash(Char());
      ++index_;
    }
    return true;
  }
  if (code == U'u' || code == U'x') return ReadHexEscape(state, code);
  if (code != U'\u201E' && !IsQuote(code)) return false;
  state.content.ReplaceBackslash(code);
  ++index_;
  return true;
}

// At the second of a run of backslashes. Each two of them are one, if their number is even and the run does not stand
// before a quote that ends nothing.
bool Repairer::ReadBackslashes(StringState& state) {
  const Position begin = index_ - 1;
  Position end = index_ + 1;
  while (text_.At(end) == U'\\' && text_.Spend(1)) ++end;
  if ((end - begin) % 2 != 0) return false;
  if (text_.At(end) == state.ActiveQuote()) {
    const char32_t after = text_.At(text_.NextNonSpace(end + 1));
    const bool ends_string = after == U',' || after == U':' || after == U'}' || after == U']' || after == kNoChar;
    if (!ends_string) return false;
  }
  state.content.ReplaceBackslash(static_cast<std::size_t>(end - begin) / 2);
  index_ = end;
  return true;
}

bool Repairer::ReadHexEscape(StringState& state, char32_t letter) {
  const std::size_t count = letter == U'u' ? 4 : 2;
  const std::u32string_view digits = text_.Slice(index_ + 1, index_ + 1 + static_cast<Position>(count));
  if (digits.size() < count) return false;
  char32_t code = 0;
  for (const char32_t digit : digits) {
    if (digit >= 0x80 || !absl::ascii_isxdigit(static_cast<unsigned char>(digit))) return false;
    const char lower = absl::ascii_tolower(static_cast<unsigned char>(digit));
    code = code << 4 | static_cast<char32_t>(lower <= '9' ? lower - '0' : lower - 'a' + 10);
  }
  state.content.ReplaceBackslash(code);
  index_ += 1 + static_cast<Position>(count);
  return true;
}

}  // namespace dspex
