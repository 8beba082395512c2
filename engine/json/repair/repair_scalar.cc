// Numbers, bare words and comments.

#include <absl/strings/ascii.h>

#include <string>

#include "engine/json/repair/characters.h"
#include "engine/json/repair/python_json.h"
#include "engine/json/repair/repairer.h"
#include "engine/json/utf8.h"

namespace dspex {

namespace {

bool IsNumberCharacter(char32_t code) {
  return code < 0x80 && absl::string_view("0123456789-.eE/,_").find(static_cast<char>(code)) != absl::string_view::npos;
}

bool IsExponent(char c) { return c == 'e' || c == 'E'; }

// Takes digits off the begin of `text`. False if there are none.
bool TakeDigits(absl::string_view& text) {
  std::size_t size = 0;
  while (size < text.size() && absl::ascii_isdigit(static_cast<unsigned char>(text[size]))) ++size;
  text.remove_prefix(size);
  return size > 0;
}

bool Take(absl::string_view& text, char c) {
  if (text.empty() || text.front() != c) return false;
  text.remove_prefix(1);
  return true;
}

// Whether Python's int reads the text.
bool IsInteger(absl::string_view text) {
  const absl::string_view whole = text;
  (void)Take(text, '-');
  return TakeDigits(text) && text.empty() && !IsLongInteger(whole);
}

// Whether Python's float reads the text.
bool IsFloat(absl::string_view text) {
  (void)Take(text, '-');
  bool has_digits = TakeDigits(text);
  if (Take(text, '.')) has_digits |= TakeDigits(text);
  if (!has_digits) return false;
  if (!text.empty() && IsExponent(text.front())) {
    text.remove_prefix(1);
    if (!Take(text, '-')) (void)Take(text, '+');
    if (!TakeDigits(text)) return false;
  }
  return text.empty();
}

}  // namespace

// A number; text if it is none that Python would read, as "1/3" or "1,234".
Json Repairer::ReadNumber() {
  const Position begin = index_;
  const bool ends_at_comma = IsCurrent(Context::kArray);
  std::string number;
  for (; text_.Spend(1); ++index_) {
    const char32_t code = Char();
    const bool is_sign = code == U'+' && !number.empty() && IsExponent(number.back());
    if (!(IsNumberCharacter(code) || is_sign) || (ends_at_comma && code == U',')) break;
    if (code != U'_') number.push_back(static_cast<char>(code));
  }
  if (Char() != kNoChar && IsPythonAlpha(Char())) {
    index_ = begin;
    return ReadString();
  }
  if (!number.empty() && absl::string_view("+-eE/,").find(number.back()) != absl::string_view::npos) {
    number.pop_back();
    --index_;
  }
  if (number.find(',') != std::string::npos) return number;
  if (number.find_first_of(".eE") != std::string::npos) return IsFloat(number) ? PythonFloat(number) : Json(number);
  return IsInteger(number) ? PythonInteger(number) : Json(number);
}

// true, false, null or None in any case, if what follows lets it be a value.
bool Repairer::ReadLiteralWord(Json& value) {
  constexpr struct {
    absl::string_view word;
    int meaning;  // 2: null
  } kWords[] = {{"true", 1}, {"false", 0}, {"null", 2}, {"none", 2}};
  for (const auto& [word, meaning] : kWords) {
    if (!text_.HasWord(index_, word, true)) continue;
    const Position end = index_ + static_cast<Position>(word.size());
    const char32_t next = text_.At(end);
    if (next != kNoChar && !IsPythonSpace(next) && next != U',' && next != U')' && next != U']' && next != U'}') break;
    index_ = end;
    value = meaning == 2 ? Json(nullptr) : Json(meaning == 1);
    return true;
  }
  return false;
}

// A comment, or a slash that begins none.
void Repairer::SkipComment() {
  if (Char() == U'#' || (Char() == U'/' && text_.At(index_ + 1) == U'/')) {
    SkipLineComment();
  } else if (Char() == U'/' && text_.At(index_ + 1) == U'*') {
    SkipBlockComment();
  } else if (Char() == U'/') {
    ++index_;
  }
}

// Behind "#" the container may go on in the same line.
void Repairer::SkipLineComment() {
  const bool is_hash = Char() == U'#';
  for (; text_.Spend(1); ++index_) {
    const char32_t code = Char();
    if (code == kNoChar || code == U'\n' || code == U'\r') return;
    if (is_hash && ((code == U']' && IsIn(Context::kArray)) || (code == U'}' && IsIn(Context::kValue)) ||
                    (code == U':' && IsIn(Context::kKey)))) {
      return;
    }
  }
}

// Also "/*/" is whole.
void Repairer::SkipBlockComment() {
  for (index_ += 2; text_.Spend(1) && Char() != kNoChar; ++index_) {
    if (Char() == U'/' && text_.At(index_ - 1) == U'*') {
      ++index_;
      return;
    }
  }
}

void Repairer::SkipSpaceAndComments() {
  while (text_.Spend(1)) {
    SkipSpace();
    const char32_t next = text_.At(index_ + 1);
    if (Char() != U'#' && !(Char() == U'/' && (next == U'/' || next == U'*'))) return;
    SkipComment();
  }
}

}  // namespace dspex
