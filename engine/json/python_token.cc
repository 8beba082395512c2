#include "engine/json/python_token.h"

#include <absl/strings/ascii.h>
#include <absl/strings/match.h>

#include <algorithm>
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

// Bytes are no characters: \xE9 is one of them.
void AppendUnit(std::string& out, char32_t code, bool bytes) {
  if (bytes) {
    out.push_back(static_cast<char>(code & 0xFF));
  } else {
    AppendUtf8(out, code);
  }
}

// Reads exactly `digits` hexadecimal digits behind "\x", "\u" or "\U"; `position` is that of the letter.
absl::Status ReadHexEscape(absl::string_view text, std::size_t& position, int digits, bool bytes, std::string& value) {
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
  AppendUnit(value, code, bytes);
  position += static_cast<std::size_t>(digits) + 1;
  return absl::OkStatus();
}

void ReadOctalEscape(absl::string_view text, std::size_t& position, bool bytes, std::string& value) {
  char32_t code = 0;
  for (int i = 0; i < 3 && position < text.size() && text[position] >= '0' && text[position] <= '7'; ++i) {
    code = code * 8 + static_cast<char32_t>(text[position++] - '0');
  }
  AppendUnit(value, code, bytes);
}

// `position` is that of the character behind the backslash, which exists.
absl::Status ReadEscape(absl::string_view text, std::size_t& position, bool bytes, std::string& value) {
  constexpr absl::string_view kLetters = "\\'\"abfnrtv";
  constexpr absl::string_view kMeanings = "\\'\"\a\b\f\n\r\t\v";
  const char letter = text[position];
  const std::size_t simple = kLetters.find(letter);
  if (simple != absl::string_view::npos) {
    value.push_back(kMeanings[simple]);
    ++position;
    return absl::OkStatus();
  }
  if (bytes && absl::StrContains("uUN", letter)) {
    value.push_back('\\');
    return absl::OkStatus();
  }
  switch (letter) {
    case 'x':
      return ReadHexEscape(text, position, 2, bytes, value);
    case 'u':
      return ReadHexEscape(text, position, 4, bytes, value);
    case 'U':
      return ReadHexEscape(text, position, 8, bytes, value);
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
        ReadOctalEscape(text, position, bytes, value);
      } else {
        value.push_back('\\');  // Python keeps an escape it does not know.
      }
      return absl::OkStatus();
  }
}

bool IsWordCharacter(char c) { return absl::ascii_isalnum(static_cast<unsigned char>(c)) || c == '_'; }

// The digits without their underscores; false where one does not stand between digits.
bool StripUnderscores(absl::string_view text, int base, std::string& digits) {
  const auto is_digit = [base](char c) { return HexDigit(c) >= 0 && HexDigit(c) < base; };
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] != '_') {
      digits.push_back(text[i]);
      continue;
    }
    const bool between = i > 0 && i + 1 < text.size() && is_digit(text[i - 1]) && is_digit(text[i + 1]);
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

absl::Status ReadQuoted(absl::string_view text, std::size_t& position, bool bytes, std::string& value) {
  const std::size_t start = position;
  bool raw = false;
  while (text[position] != '\'' && text[position] != '"') raw |= absl::ascii_tolower(text[position++]) == 'r';
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
      absl::Status status = ReadEscape(text, position, bytes, value);
      if (!status.ok()) {
        position = escape;
        return status;
      }
      continue;
    }
    if ((c == '\n' || c == '\r') && !is_triple) break;
    if (bytes && static_cast<unsigned char>(c) >= 0x80) {
      return absl::InvalidArgumentError("bytes have ASCII characters only");
    }
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

}  // namespace

bool StartsPythonString(absl::string_view text, std::size_t position) {
  if (position < text.size() && absl::string_view("rRuU").find(text[position]) != absl::string_view::npos) ++position;
  return position < text.size() && (text[position] == '\'' || text[position] == '"');
}

absl::Status ReadPythonString(absl::string_view text, std::size_t& position, std::string& value) {
  return ReadQuoted(text, position, false, value);
}

bool StartsPythonBytes(absl::string_view text, std::size_t position) {
  const absl::string_view rest = text.substr(std::min(position, text.size()));
  for (const absl::string_view prefix : {"b", "br", "rb"}) {
    if (rest.size() > prefix.size() && absl::StartsWithIgnoreCase(rest, prefix) &&
        (rest[prefix.size()] == '\'' || rest[prefix.size()] == '"')) {
      return true;
    }
  }
  return false;
}

absl::Status ReadPythonBytes(absl::string_view text, std::size_t& position, std::string& value) {
  return ReadQuoted(text, position, true, value);
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
    return StripUnderscores(rest, base, digits) && ReadInteger(digits, base, number) ? absl::OkStatus() : malformed;
  }
  if (!StripUnderscores(lexeme, 10, digits)) return malformed;
  if (digits.find_first_of(".eE") != std::string::npos) {
    return ReadReal(digits, number.real) ? absl::OkStatus() : malformed;
  }
  // As in Python, "007" is no number, "000" is.
  const bool leading_zero = digits.front() == '0' && digits.find_first_not_of('0') != std::string::npos;
  return !leading_zero && ReadInteger(digits, 10, number) ? absl::OkStatus() : malformed;
}

}  // namespace dspex
