#include "engine/json/python_token.h"

#include <absl/strings/ascii.h>
#include <absl/strings/match.h>

#include <charconv>
#include <limits>

#include "engine/json/utf8.h"

namespace dspex {

namespace {

bool At(absl::string_view text, std::size_t position, absl::string_view what) {
  return text.substr(std::min(position, text.size()), what.size()) == what;
}

int HexDigit(char c) {
  if (absl::ascii_isdigit(static_cast<unsigned char>(c))) return c - '0';
  const char lower = absl::ascii_tolower(static_cast<unsigned char>(c));
  return lower >= 'a' && lower <= 'f' ? lower - 'a' + 10 : -1;
}

// Reads exactly `digits` hexadecimal digits behind "\x", "\u" or "\U"; `position` is that of the letter.
absl::Status ReadHexEscape(absl::string_view text, std::size_t& position, int digits, std::string& value) {
  char32_t code = 0;
  for (int i = 1; i <= digits; ++i) {
    const std::size_t at = position + static_cast<std::size_t>(i);
    const int digit = at < text.size() ? HexDigit(text[at]) : -1;
    if (digit < 0) return absl::InvalidArgumentError("the escape has too few hexadecimal digits");
    code = code << 4 | static_cast<char32_t>(digit);
  }
  if (code > 0x10FFFF || (code >= 0xD800 && code <= 0xDFFF)) {
    return absl::InvalidArgumentError("the escape is not a character");
  }
  AppendUtf8(value, code);
  position += static_cast<std::size_t>(digits) + 1;
  return absl::OkStatus();
}

void ReadOctalEscape(absl::string_view text, std::size_t& position, std::string& value) {
  char32_t code = 0;
  for (int i = 0; i < 3 && position < text.size() && text[position] >= '0' && text[position] <= '7'; ++i) {
    code = code * 8 + static_cast<char32_t>(text[position++] - '0');
  }
  AppendUtf8(value, code);
}

// `position` is that of the character behind the backslash, which exists.
absl::Status ReadEscape(absl::string_view text, std::size_t& position, std::string& value) {
  constexpr absl::string_view kLetters = "\\'\"abfnrtv";
  constexpr absl::string_view kMeanings = "\\'\"\a\b\f\n\r\t\v";
  const char letter = text[position];
  const std::size_t simple = kLetters.find(letter);
  if (simple != absl::string_view::npos) {
    value.push_back(kMeanings[simple]);
    ++position;
    return absl::OkStatus();
  }
  switch (letter) {
    case 'x':
      return ReadHexEscape(text, position, 2, value);
    case 'u':
      return ReadHexEscape(text, position, 4, value);
    case 'U':
      return ReadHexEscape(text, position, 8, value);
    case 'N':
      return absl::InvalidArgumentError("escapes by a character's name are not supported");
    case '\r':
      position += At(text, position, "\r\n") ? 2 : 1;
      return absl::OkStatus();
    case '\n':
      ++position;
      return absl::OkStatus();
    default:
      if (letter >= '0' && letter <= '7') {
        ReadOctalEscape(text, position, value);
      } else {
        value.push_back('\\');  // Python keeps an escape it does not know.
      }
      return absl::OkStatus();
  }
}

bool IsWordCharacter(char c) { return absl::ascii_isalnum(static_cast<unsigned char>(c)) || c == '_'; }

// The digits without their underscores; false where one does not stand between digits.
bool StripUnderscores(absl::string_view text, std::string& digits) {
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] != '_') {
      digits.push_back(text[i]);
      continue;
    }
    const bool between = i > 0 && i + 1 < text.size() && HexDigit(text[i - 1]) >= 0 && HexDigit(text[i + 1]) >= 0;
    if (!between) return false;
  }
  return true;
}

double RealFromDigits(absl::string_view digits, int base) {
  double real = 0;
  for (const char digit : digits) real = real * base + HexDigit(digit);
  return real;
}

bool ReadInteger(absl::string_view digits, int base, PythonNumber& number) {
  const char* end = digits.data() + digits.size();
  const auto result = std::from_chars(digits.data(), end, number.integer, base);
  if (result.ptr != end || digits.empty()) return false;
  number.is_integer = true;
  number.fits = result.ec == std::errc();
  number.real = number.fits ? static_cast<double>(number.integer) : RealFromDigits(digits, base);
  return true;
}

bool ReadReal(absl::string_view digits, double& real) {
  const char* end = digits.data() + digits.size();
  const auto result = std::from_chars(digits.data(), end, real);
  if (result.ptr != end || digits.empty()) return false;
  if (result.ec == std::errc::result_out_of_range) {
    // Too large or too small: the exponent's sign tells which.
    const std::size_t e = digits.find_first_of("eE");
    const bool small = e != absl::string_view::npos ? digits[e + 1] == '-' : digits.front() == '0';
    real = small ? 0 : std::numeric_limits<double>::infinity();
  }
  return true;
}

}  // namespace

bool StartsPythonString(absl::string_view text, std::size_t position) {
  if (position < text.size() && absl::string_view("rRuU").find(text[position]) != absl::string_view::npos) ++position;
  return position < text.size() && (text[position] == '\'' || text[position] == '"');
}

absl::Status ReadPythonString(absl::string_view text, std::size_t& position, std::string& value) {
  const std::size_t start = position;
  bool raw = false;
  if (text[position] != '\'' && text[position] != '"') raw = absl::ascii_tolower(text[position++]) == 'r';
  const char quote = text[position];
  const std::string triple(3, quote);
  const bool is_triple = At(text, position, triple);
  const absl::string_view delimiter = is_triple ? absl::string_view(triple) : text.substr(position, 1);
  position += delimiter.size();
  while (position < text.size()) {
    const char c = text[position];
    if (c == quote && At(text, position, delimiter)) {
      position += delimiter.size();
      return absl::OkStatus();
    }
    if (c == '\\' && position + 1 < text.size()) {
      if (raw) {
        value.append(text.data() + position, 2);
        position += 2;
        continue;
      }
      const std::size_t escape = position++;
      absl::Status status = ReadEscape(text, position, value);
      if (!status.ok()) {
        position = escape;
        return status;
      }
      continue;
    }
    if ((c == '\n' || c == '\r') && !is_triple) break;
    ++position;
    if (c == '\r') {  // Python's source has one kind of line end.
      if (At(text, position, "\n")) ++position;
      value.push_back('\n');
    } else {
      value.push_back(c);
    }
  }
  position = start;
  return absl::InvalidArgumentError("the string has no closing quote");
}

bool StartsPythonNumber(absl::string_view text, std::size_t position) {
  if (position < text.size() && text[position] == '.') ++position;
  return position < text.size() && absl::ascii_isdigit(static_cast<unsigned char>(text[position]));
}

absl::Status ReadPythonNumber(absl::string_view text, std::size_t& position, PythonNumber& number) {
  const std::size_t start = position;
  const bool prefixed = text[start] == '0' && start + 1 < text.size() &&
                        absl::string_view("xXoObB").find(text[start + 1]) != absl::string_view::npos;
  while (position < text.size() && (IsWordCharacter(text[position]) || text[position] == '.')) {
    const bool exponent = !prefixed && (text[position] == 'e' || text[position] == 'E');
    ++position;
    if (exponent && position < text.size() && (text[position] == '+' || text[position] == '-')) ++position;
  }
  const absl::string_view lexeme = text.substr(start, position - start);
  const absl::Status malformed = absl::InvalidArgumentError("the number is malformed");
  std::string digits;
  if (prefixed) {
    absl::string_view rest = lexeme.substr(2);
    if (absl::StartsWith(rest, "_")) rest.remove_prefix(1);
    const char kind = absl::ascii_tolower(lexeme[1]);
    const int base = kind == 'x' ? 16 : kind == 'o' ? 8 : 2;
    return StripUnderscores(rest, digits) && ReadInteger(digits, base, number) ? absl::OkStatus() : malformed;
  }
  if (!StripUnderscores(lexeme, digits)) return malformed;
  if (digits.find_first_of(".eE") != std::string::npos) {
    return ReadReal(digits, number.real) ? absl::OkStatus() : malformed;
  }
  // As in Python, "007" is no number, "000" is.
  const bool leading_zero = digits.front() == '0' && digits.find_first_not_of('0') != std::string::npos;
  return !leading_zero && ReadInteger(digits, 10, number) ? absl::OkStatus() : malformed;
}

}  // namespace dspex
