#include "engine/signature/lax.h"

#include <absl/strings/ascii.h>
#include <absl/strings/match.h>
#include <absl/strings/str_cat.h>
#include <absl/strings/strip.h>

#include <array>
#include <charconv>
#include <cmath>
#include <cstdint>
#include <nlohmann/json.hpp>
#include <string>

#include "engine/signature/text_trim.h"

namespace dspex {

namespace {

bool IsDigit(char c) { return absl::ascii_isdigit(static_cast<unsigned char>(c)); }

// Underscores may stand between any two characters; none if one stands elsewhere or there is none.
std::optional<std::string> WithoutUnderscores(absl::string_view text) {
  if (text.empty() || text.front() == '_' || text.back() == '_' || !absl::StrContains(text, '_') ||
      absl::StrContains(text, "__")) {
    return std::nullopt;
  }
  std::string plain;
  plain.reserve(text.size());
  for (const char c : text) {
    if (c != '_') plain.push_back(c);
  }
  return plain;
}

// "-12", without leading zeros: what JSON has as an integer.
std::optional<Json> JsonInteger(absl::string_view text) {
  const bool negative = absl::ConsumePrefix(&text, "-");
  if (text.empty() || (text.front() == '0' && text.size() > 1)) return std::nullopt;
  std::uint64_t magnitude = 0;
  for (const char c : text) {
    if (!IsDigit(c) || __builtin_mul_overflow(magnitude, std::uint64_t{10}, &magnitude) ||
        __builtin_add_overflow(magnitude, static_cast<std::uint64_t>(c - '0'), &magnitude)) {
      return std::nullopt;
    }
  }
  constexpr std::uint64_t kMinInt64 = std::uint64_t{1} << 63;
  if (!negative) return Json(magnitude);
  if (magnitude > kMinInt64) return std::nullopt;
  return Json(static_cast<std::int64_t>(0 - magnitude));
}

// The digits behind leading zeros, which may have underscores among them; at least one digit stays. None if the text
// does not begin with a digit or something else follows the zeros.
std::optional<absl::string_view> SkipZeros(absl::string_view text) {
  if (text.empty() || !IsDigit(text.front())) return std::nullopt;
  if (text.front() != '0') return text;
  for (std::size_t i = 1; i < text.size(); ++i) {
    if (text[i] == '0' || text[i] == '_') continue;
    // A minus sign behind zeros ("0-5") is pydantic's own slip.
    if (IsDigit(text[i]) || text[i] == '-') return text.substr(i);
    if (text[i] == '.') return text.substr(i - 1);
    return std::nullopt;
  }
  return text.substr(text.size() - 1);
}

// What is left of "5.00".
absl::string_view WithoutZeroFraction(absl::string_view text) {
  const std::size_t point = text.find('.');
  if (point == absl::string_view::npos || point + 1 == text.size()) return text;
  return text.find_first_not_of('0', point + 1) == absl::string_view::npos ? text.substr(0, point) : text;
}

// Rust's grammar of a float: no white space, no underscores.
std::optional<double> PlainFloat(absl::string_view text) {
  const absl::string_view whole = text;
  const bool negative = absl::StartsWith(text, "-");
  if (negative || absl::StartsWith(text, "+")) text.remove_prefix(1);
  // What from_chars takes beyond a plain number: a second sign, "nan(...)".
  if (text.empty() || text.front() == '-' || text.back() == ')') return std::nullopt;
  double number = 0;
  const auto result = std::from_chars(text.data(), text.data() + text.size(), number);
  if (result.ptr != text.data() + text.size() || result.ec == std::errc::invalid_argument) return std::nullopt;
  if (result.ec == std::errc::result_out_of_range) {
    // Too large is infinite, too small is zero. strtod tells which.
    return std::strtod(std::string(whole).c_str(), nullptr);
  }
  return negative ? -number : number;
}

}  // namespace

std::optional<Json> LaxIntFromText(absl::string_view text) {
  if (std::optional<Json> plain = JsonInteger(text)) return plain;
  const std::size_t size = text.size();
  text = StripWhiteSpace(text);
  bool negative = false;
  if (absl::ConsumePrefix(&text, "+")) {
    if (absl::StartsWith(text, "-")) return std::nullopt;
  } else {
    negative = absl::ConsumePrefix(&text, "-");
  }
  const std::optional<absl::string_view> digits = SkipZeros(text);
  if (!digits.has_value()) return std::nullopt;
  const absl::string_view whole = WithoutZeroFraction(*digits);
  if (std::optional<std::string> plain = WithoutUnderscores(whole)) {
    return JsonInteger(negative ? absl::StrCat("-", *plain) : *plain);
  }
  if (whole.size() == size) return std::nullopt;
  return negative ? JsonInteger(absl::StrCat("-", whole)) : JsonInteger(whole);
}

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
      return LaxIntFromText(value.get_ref<const std::string&>());
    default:
      return std::nullopt;
  }
}

std::optional<double> LaxFloatFromText(absl::string_view text) {
  if (std::optional<double> number = PlainFloat(StripWhiteSpace(text))) return number;
  const std::optional<std::string> plain = WithoutUnderscores(text);
  return plain.has_value() ? PlainFloat(*plain) : std::nullopt;
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
      return LaxFloatFromText(value.get_ref<const std::string&>());
    default:
      return std::nullopt;
  }
}

std::optional<bool> LaxBoolFromText(absl::string_view text) {
  static constexpr std::array<absl::string_view, 6> kTrue = {"true", "yes", "on", "t", "y", "1"};
  static constexpr std::array<absl::string_view, 6> kFalse = {"false", "no", "off", "f", "n", "0"};
  for (const absl::string_view word : kTrue) {
    if (absl::EqualsIgnoreCase(text, word)) return true;
  }
  for (const absl::string_view word : kFalse) {
    if (absl::EqualsIgnoreCase(text, word)) return false;
  }
  return std::nullopt;
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
    case Json::value_t::string:
      return LaxBoolFromText(value.get_ref<const std::string&>());
    default:
      return std::nullopt;
  }
}

}  // namespace dspex
