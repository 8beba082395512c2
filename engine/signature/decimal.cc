#include "engine/signature/decimal.h"

#include <absl/strings/str_cat.h>
#include <absl/strings/strip.h>

#include <utf8proc.h>

#include <algorithm>
#include <cstdlib>

#include "engine/json/utf8.h"
#include "engine/signature/text_trim.h"

namespace dspex {

namespace {

// Of Python's decimal module on 64 bits.
constexpr std::int64_t kMaxAdjusted = 999'999'999'999'999'999;
constexpr std::int64_t kMinExponent = -1'999'999'999'999'999'997;

bool IsDigit(char c) { return c >= '0' && c <= '9'; }

// The decimal digits of a script stand side by side, 0 first; in a few blocks several such rows follow one another.
char UnicodeDigit(char32_t code) {
  char32_t first = code;
  while (first > 0 && utf8proc_category(static_cast<utf8proc_int32_t>(first - 1)) == UTF8PROC_CATEGORY_ND) --first;
  return static_cast<char>('0' + (code - first) % 10);
}

// Without underscores, all digits in ASCII; none if something else is not ASCII.
std::optional<std::string> Plain(absl::string_view text) {
  std::string plain;
  plain.reserve(text.size());
  for (std::size_t i = 0; i < text.size();) {
    const Utf8Char c = DecodeUtf8(text, i);
    if (c.size == 0) return std::nullopt;
    i += c.size;
    if (c.code == '_') continue;
    if (c.code < 0x80) {
      plain.push_back(static_cast<char>(c.code));
    } else if (utf8proc_category(static_cast<utf8proc_int32_t>(c.code)) == UTF8PROC_CATEGORY_ND) {
      plain.push_back(UnicodeDigit(c.code));
    } else {
      return std::nullopt;
    }
  }
  return plain;
}

absl::string_view TakeDigits(absl::string_view& text) {
  const std::size_t size = static_cast<std::size_t>(std::find_if_not(text.begin(), text.end(), IsDigit) - text.begin());
  const absl::string_view digits = text.substr(0, size);
  text.remove_prefix(size);
  return digits;
}

// "e+12" or nothing. Exponents without bound stop far outside the allowed ones.
bool TakeExponent(absl::string_view& text, std::int64_t& exponent) {
  if (text.empty()) return true;
  if (!absl::ConsumePrefix(&text, "e") && !absl::ConsumePrefix(&text, "E")) return false;
  const bool negative = absl::ConsumePrefix(&text, "-");
  if (!negative) absl::ConsumePrefix(&text, "+");
  const absl::string_view digits = TakeDigits(text);
  if (digits.empty() || !text.empty()) return false;
  constexpr std::int64_t kFar = 4'000'000'000'000'000'000;
  for (const char c : digits) {
    if (exponent < kFar / 10)
      exponent = exponent * 10 + (c - '0');
    else
      exponent = kFar;
  }
  if (negative) exponent = -exponent;
  return true;
}

}  // namespace

std::optional<Decimal> ReadDecimal(absl::string_view text) {
  const std::optional<std::string> plain = Plain(StripPythonSpace(text));
  if (!plain.has_value()) return std::nullopt;
  absl::string_view rest = *plain;
  Decimal decimal;
  decimal.negative = absl::ConsumePrefix(&rest, "-");
  if (!decimal.negative) absl::ConsumePrefix(&rest, "+");
  const absl::string_view whole = TakeDigits(rest);
  absl::string_view fraction;
  if (absl::ConsumePrefix(&rest, ".")) fraction = TakeDigits(rest);
  if ((whole.empty() && fraction.empty()) || !TakeExponent(rest, decimal.exponent)) return std::nullopt;
  decimal.exponent -= static_cast<std::int64_t>(fraction.size());
  decimal.digits = absl::StrCat(whole, fraction);
  const std::size_t first = decimal.digits.find_first_not_of('0');
  decimal.digits.erase(0, std::min(first, decimal.digits.size() - 1));
  const std::int64_t adjusted = decimal.exponent + static_cast<std::int64_t>(decimal.digits.size()) - 1;
  if (adjusted > kMaxAdjusted || decimal.exponent < kMinExponent) return std::nullopt;
  return decimal;
}

std::string DecimalText(const Decimal& decimal) {
  const auto size = static_cast<std::int64_t>(decimal.digits.size());
  const std::int64_t point = decimal.exponent + size;  // digits before the point
  std::string text = decimal.negative ? "-" : "";
  if (decimal.exponent > 0 || point <= -6) {
    absl::StrAppend(&text, decimal.digits.substr(0, 1));
    if (size > 1) absl::StrAppend(&text, ".", decimal.digits.substr(1));
    const std::int64_t exponent = point - 1;
    absl::StrAppend(&text, exponent < 0 ? "E-" : "E+", std::abs(exponent));
  } else if (point <= 0) {
    absl::StrAppend(&text, "0.", std::string(static_cast<std::size_t>(-point), '0'), decimal.digits);
  } else {
    const auto whole = static_cast<std::size_t>(point);
    absl::StrAppend(&text, decimal.digits.substr(0, whole));
    if (decimal.exponent < 0) absl::StrAppend(&text, ".", decimal.digits.substr(whole));
  }
  return text;
}

std::string DecimalEqualityKey(const Decimal& decimal) {
  const std::size_t last = decimal.digits.find_last_not_of('0');
  if (last == std::string::npos) return "0";
  const auto zeros = static_cast<std::int64_t>(decimal.digits.size() - last - 1);
  return absl::StrCat(decimal.negative ? "-" : "", decimal.digits.substr(0, last + 1), "e", decimal.exponent + zeros);
}

double DecimalToDouble(const Decimal& decimal) {
  const std::string text = absl::StrCat(decimal.negative ? "-" : "", decimal.digits, "e", decimal.exponent);
  return std::strtod(text.c_str(), nullptr);
}

}  // namespace dspex
