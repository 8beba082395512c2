#include "engine/signature/timestamp.h"

#include <absl/strings/strip.h>

#include <charconv>
#include <chrono>
#include <cmath>
#include <cstdlib>
#include <limits>
#include <nlohmann/json.hpp>
#include <string>

namespace dspex {

namespace {

constexpr std::int64_t kDaySeconds = 86'400;
constexpr std::int64_t kMicros = 1'000'000;
// Timestamps beyond this are milliseconds.
constexpr std::int64_t kMaxSeconds = 20'000'000'000;
// 0000-01-01 and 9999-12-31T23:59:59.
constexpr std::int64_t kFirstSecond = -62'167'219'200;
constexpr std::int64_t kLastSecond = 253'402'300'799;

bool IsDigit(char c) { return c >= '0' && c <= '9'; }

// UTC, and in Python's range.
std::optional<CivilTime> FromTimestamp(std::int64_t seconds, std::int64_t microseconds) {
  seconds += microseconds / kMicros;
  microseconds %= kMicros;
  if (seconds < kFirstSecond || seconds > kLastSecond) return std::nullopt;
  std::int64_t days = seconds / kDaySeconds;
  std::int64_t rest = seconds % kDaySeconds;
  if (rest < 0) {
    rest += kDaySeconds;
    --days;
  }
  const std::chrono::year_month_day date{std::chrono::sys_days(std::chrono::days(days))};
  if (static_cast<int>(date.year()) == 0) return std::nullopt;
  CivilTime time;
  time.date = {static_cast<int>(date.year()), static_cast<unsigned>(date.month()), static_cast<unsigned>(date.day())};
  time.time.hour = static_cast<int>(rest / 3600);
  time.time.minute = static_cast<int>(rest % 3600 / 60);
  time.time.second = static_cast<int>(rest % 60);
  time.time.microsecond = static_cast<int>(microseconds);
  time.time.offset = 0;
  return time;
}

std::optional<CivilTime> FromMilliseconds(std::int64_t milliseconds, std::int64_t microseconds) {
  std::int64_t seconds = milliseconds / 1000;
  std::int64_t rest = milliseconds % 1000 * 1000;
  if (rest < 0) {
    --seconds;
    rest += kMicros;
  }
  return FromTimestamp(seconds, rest + microseconds);
}

std::optional<CivilTime> FromInteger(std::int64_t timestamp) {
  if (timestamp == std::numeric_limits<std::int64_t>::min()) return std::nullopt;
  return timestamp > kMaxSeconds || timestamp < -kMaxSeconds ? FromMilliseconds(timestamp, 0)
                                                             : FromTimestamp(timestamp, 0);
}

std::optional<CivilTime> FromReal(double timestamp) {
  // Far beyond any date, in either unit; NaN too.
  if (!(std::fabs(timestamp) < 1e16)) return std::nullopt;
  const bool milliseconds = std::fabs(timestamp) > static_cast<double>(kMaxSeconds);
  const double whole = std::floor(timestamp);
  const double fraction = timestamp - whole;
  const auto microseconds = static_cast<std::int64_t>(std::round(fraction * (milliseconds ? 1e3 : 1e6)));
  const auto integer = static_cast<std::int64_t>(whole);
  return milliseconds ? FromMilliseconds(integer, microseconds) : FromTimestamp(integer, microseconds);
}

// "[+-]digits" as a 64-bit integer.
std::optional<std::int64_t> IntegerText(absl::string_view text) {
  if (absl::ConsumePrefix(&text, "+") && !text.empty() && !IsDigit(text.front())) return std::nullopt;
  std::int64_t integer = 0;
  const auto result = std::from_chars(text.data(), text.data() + text.size(), integer);
  if (result.ec != std::errc() || result.ptr != text.data() + text.size()) return std::nullopt;
  return integer;
}

// "[+-]digits.digits[e[+-]digits]": a point, and a digit on one side of it.
std::optional<double> RealText(absl::string_view text) {
  if (text.find('.') == absl::string_view::npos) return std::nullopt;
  absl::string_view unsigned_text = text;
  const bool negative = absl::ConsumePrefix(&unsigned_text, "-");
  if (!negative) absl::ConsumePrefix(&unsigned_text, "+");
  if (unsigned_text.empty() || (!IsDigit(unsigned_text.front()) && unsigned_text.front() != '.')) return std::nullopt;
  // An exponent before the point is none of its.
  if (unsigned_text.find_first_not_of("0123456789") != unsigned_text.find('.')) return std::nullopt;
  double number = 0;
  const char* end = unsigned_text.data() + unsigned_text.size();
  const auto result = std::from_chars(unsigned_text.data(), end, number);
  if (result.ptr != end || result.ec == std::errc::invalid_argument) return std::nullopt;
  if (result.ec == std::errc::result_out_of_range) number = std::strtod(std::string(unsigned_text).c_str(), nullptr);
  return negative ? -number : number;
}

// A bool is no number here, though it is an int to Python.
std::optional<std::int64_t> Int64(const Json& number) {
  if (number.is_number_unsigned()) {
    const auto integer = number.get<std::uint64_t>();
    if (integer > static_cast<std::uint64_t>(std::numeric_limits<std::int64_t>::max())) return std::nullopt;
    return static_cast<std::int64_t>(integer);
  }
  if (number.is_number_integer()) return number.get<std::int64_t>();
  return std::nullopt;
}

std::optional<ClockTime> SecondsOfDay(double seconds, std::int64_t microseconds) {
  if (!(seconds >= 0 && seconds < 2 * kDaySeconds)) return std::nullopt;
  const std::int64_t total = static_cast<std::int64_t>(seconds) + microseconds / kMicros;
  if (total >= kDaySeconds) return std::nullopt;
  ClockTime time;
  time.hour = static_cast<int>(total / 3600);
  time.minute = static_cast<int>(total % 3600 / 60);
  time.second = static_cast<int>(total % 60);
  time.microsecond = static_cast<int>(microseconds % kMicros);
  time.offset = 0;
  return time;
}

}  // namespace

std::optional<CivilDate> AtMidnight(const std::optional<CivilTime>& time) {
  if (!time.has_value()) return std::nullopt;
  const ClockTime& clock = time->time;
  if (clock.hour != 0 || clock.minute != 0 || clock.second != 0 || clock.microsecond != 0) return std::nullopt;
  return time->date;
}

std::optional<CivilTime> ReadTimestamp(absl::string_view text) {
  if (const std::optional<std::int64_t> integer = IntegerText(text)) return FromInteger(*integer);
  if (const std::optional<double> real = RealText(text)) return FromReal(*real);
  return std::nullopt;
}

std::optional<CivilDate> DateFromNumber(const Json& number) { return AtMidnight(DatetimeFromNumber(number)); }

std::optional<ClockTime> TimeFromNumber(const Json& number) {
  if (const std::optional<std::int64_t> integer = Int64(number)) {
    return SecondsOfDay(static_cast<double>(*integer), 0);
  }
  if (!number.is_number()) return std::nullopt;
  const double seconds = number.get<double>();
  if (std::isnan(seconds) || std::isinf(seconds)) return std::nullopt;
  const double fraction = std::fabs(seconds - std::trunc(seconds));
  return SecondsOfDay(std::floor(seconds), static_cast<std::int64_t>(std::round(fraction * 1e6)));
}

std::optional<CivilTime> DatetimeFromNumber(const Json& number) {
  if (const std::optional<std::int64_t> integer = Int64(number)) return FromInteger(*integer);
  if (number.is_number()) return FromReal(number.get<double>());
  return std::nullopt;
}

}  // namespace dspex
