#include "engine/signature/lax.h"

#include <absl/strings/ascii.h>
#include <absl/strings/match.h>

#include <array>
#include <charconv>
#include <cmath>
#include <limits>
#include <nlohmann/json.hpp>
#include <string>

#include "engine/json/utf8.h"

namespace dspex {

namespace {

// Unicode's White_Space: Python's, but for four control characters.
bool IsWhiteSpace(char32_t code) { return IsPythonSpace(code) && (code < 0x1C || code > 0x1F); }

absl::string_view Trim(absl::string_view text) {
  while (!text.empty()) {
    const Utf8Char c = DecodeUtf8(text, 0);
    if (c.size == 0 || !IsWhiteSpace(c.code)) break;
    text.remove_prefix(c.size);
  }
  while (!text.empty()) {
    std::size_t last = text.size() - 1;
    while (last > 0 && (static_cast<unsigned char>(text[last]) & 0xC0) == 0x80) --last;
    const Utf8Char c = DecodeUtf8(text, last);
    if (last + c.size != text.size() || !IsWhiteSpace(c.code)) break;
    text.remove_suffix(text.size() - last);
  }
  return text;
}

bool IsDigit(char c) { return absl::ascii_isdigit(static_cast<unsigned char>(c)); }

std::optional<Json> IntFromText(absl::string_view text) {
  text = Trim(text);
  bool negative = false;
  if (!text.empty() && (text.front() == '-' || text.front() == '+')) {
    negative = text.front() == '-';
    text.remove_prefix(1);
  }
  const std::size_t point = text.find('.');
  if (point != absl::string_view::npos) {  // "5.00" is whole.
    const absl::string_view fraction = text.substr(point + 1);
    if (fraction.empty() || fraction.find_first_not_of('0') != absl::string_view::npos) return std::nullopt;
    text = text.substr(0, point);
  }
  std::uint64_t magnitude = 0;
  bool digit_before = false;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '_') {
      if (!digit_before || i + 1 == text.size()) return std::nullopt;
      digit_before = false;
      continue;
    }
    if (!IsDigit(text[i])) return std::nullopt;
    digit_before = true;
    if (__builtin_mul_overflow(magnitude, std::uint64_t{10}, &magnitude) ||
        __builtin_add_overflow(magnitude, static_cast<std::uint64_t>(text[i] - '0'), &magnitude)) {
      return std::nullopt;
    }
  }
  if (!digit_before) return std::nullopt;
  constexpr std::uint64_t kMinInt64 = std::uint64_t{1} << 63;
  if (!negative) return Json(magnitude);
  if (magnitude > kMinInt64) return std::nullopt;
  return Json(static_cast<std::int64_t>(0 - magnitude));
}

std::optional<double> FloatFromText(absl::string_view text) {
  text = Trim(text);
  if (text.empty() || text.front() == '_' || text.back() == '_' || absl::StrContains(text, "__")) return std::nullopt;
  std::string plain;
  plain.reserve(text.size());
  for (const char c : text) {
    if (c != '_') plain.push_back(c);
  }
  absl::string_view rest = plain;
  const bool negative = rest.front() == '-';
  if (negative || rest.front() == '+') rest.remove_prefix(1);
  // What from_chars takes beyond a plain number: a second sign, "nan(...)".
  if (rest.empty() || rest.front() == '-' || rest.back() == ')') return std::nullopt;
  double number = 0;
  const auto result = std::from_chars(rest.data(), rest.data() + rest.size(), number);
  if (result.ptr != rest.data() + rest.size()) return std::nullopt;
  // As Rust and Python read it: too large is infinite, too small is zero. strtod tells which.
  if (result.ec == std::errc::result_out_of_range) number = std::strtod(plain.c_str() + (negative ? 1 : 0), nullptr);
  if (result.ec == std::errc::invalid_argument) return std::nullopt;
  return negative ? -number : number;
}

}  // namespace

std::optional<Json> LaxInt(const Json& value) {
  switch (value.type()) {
    case Json::value_t::number_integer:
    case Json::value_t::number_unsigned:
      return value;
    case Json::value_t::boolean:
      return Json(value.get<bool>() ? 1 : 0);
    case Json::value_t::number_float: {
      // At 2^63 a float may stand for an integer that was read inexactly.
      constexpr double kLimit = 9223372036854775808.0;
      const double number = value.get<double>();
      if (!(number > -kLimit && number < kLimit) || number != std::floor(number)) return std::nullopt;
      return Json(static_cast<std::int64_t>(number));
    }
    case Json::value_t::string:
      return IntFromText(value.get_ref<const std::string&>());
    default:
      return std::nullopt;
  }
}

std::optional<double> LaxFloat(const Json& value) {
  switch (value.type()) {
    case Json::value_t::number_float:
    case Json::value_t::number_integer:
    case Json::value_t::number_unsigned:
      return value.get<double>();
    case Json::value_t::boolean:
      return value.get<bool>() ? 1.0 : 0.0;
    case Json::value_t::string:
      return FloatFromText(value.get_ref<const std::string&>());
    default:
      return std::nullopt;
  }
}

std::optional<bool> LaxBool(const Json& value) {
  switch (value.type()) {
    case Json::value_t::boolean:
      return value.get<bool>();
    case Json::value_t::number_float:
    case Json::value_t::number_integer:
    case Json::value_t::number_unsigned: {
      const double number = value.get<double>();
      if (number != 0 && number != 1) return std::nullopt;
      return number == 1;
    }
    case Json::value_t::string: {
      static constexpr std::array<absl::string_view, 6> kTrue = {"true", "yes", "on", "t", "y", "1"};
      static constexpr std::array<absl::string_view, 6> kFalse = {"false", "no", "off", "f", "n", "0"};
      const std::string& text = value.get_ref<const std::string&>();
      for (const absl::string_view word : kTrue) {
        if (absl::EqualsIgnoreCase(text, word)) return true;
      }
      for (const absl::string_view word : kFalse) {
        if (absl::EqualsIgnoreCase(text, word)) return false;
      }
      return std::nullopt;
    }
    default:
      return std::nullopt;
  }
}

}  // namespace dspex
