#include "engine/signature/duration.h"

#include <absl/strings/match.h>
#include <absl/strings/str_cat.h>
#include <absl/strings/str_format.h>
#include <absl/strings/strip.h>

#include <cmath>
#include <limits>
#include <nlohmann/json.hpp>
#include <utility>

#include "engine/signature/date_time.h"

namespace dspex {

namespace {

constexpr std::int64_t kDaySeconds = 86'400;
constexpr std::int64_t kMicros = 1'000'000;
constexpr std::int64_t kMaxDays = 999'999'999;
// What the parts of a text are counted in.
constexpr std::uint64_t kMaxPart = std::numeric_limits<std::uint32_t>::max();

bool IsDigit(char c) { return c >= '0' && c <= '9'; }

// Digits at the start of `text`, which are taken away; false if there are none or they are too many.
bool TakeNumber(absl::string_view& text, std::uint64_t& number) {
  if (text.empty() || !IsDigit(text.front())) return false;
  number = 0;
  while (!text.empty() && IsDigit(text.front())) {
    number = number * 10 + static_cast<std::uint64_t>(text.front() - '0');
    if (number > kMaxPart) return false;
    text.remove_prefix(1);
  }
  return true;
}

// What follows a number: ".25", ",25"; a point alone is 0.
bool TakeFraction(absl::string_view& text, double& fraction) {
  if (text.empty() || (text.front() != '.' && text.front() != ',')) return false;
  text.remove_prefix(1);
  double digits = 0;
  double denominator = 1;
  while (!text.empty() && IsDigit(text.front())) {
    digits = digits * 10 + (text.front() - '0');
    denominator *= 10;
    text.remove_prefix(1);
  }
  fraction = digits / denominator;
  return true;
}

// A Rust cast: what is no number is 0.
std::uint64_t Truncated(double value) {
  if (!(value > 0)) return 0;
  return value >= static_cast<double>(kMaxPart) ? kMaxPart : static_cast<std::uint64_t>(value);
}

struct Parts {
  std::uint64_t days = 0;
  std::uint64_t seconds = 0;
  std::uint64_t microseconds = 0;

  bool Fit() const { return days <= kMaxPart && seconds <= kMaxPart && microseconds <= kMaxPart; }
};

std::optional<std::uint64_t> DateUnit(char c) {
  switch (c) {
    case 'Y':
      return 365;
    case 'M':
      return 30;
    case 'W':
      return 7;
    case 'D':
      return 1;
    default:
      return std::nullopt;
  }
}

std::optional<std::uint64_t> TimeUnit(char c) {
  switch (c) {
    case 'H':
      return 3600;
    case 'M':
      return 60;
    case 'S':
      return 1;
    default:
      return std::nullopt;
  }
}

void AddSeconds(double seconds, Parts& parts) {
  const double whole = std::trunc(seconds);
  parts.seconds += Truncated(whole);
  parts.microseconds += Truncated(std::round((seconds - whole) * 1e6));
}

// One "12.5H"; a fraction is allowed in the last only.
bool TakeIsoPart(absl::string_view& text, bool time, bool& fractional, Parts& parts) {
  std::uint64_t number = 0;
  double fraction = 0;
  if (!TakeNumber(text, number) || fractional) return false;
  fractional = TakeFraction(text, fraction);
  if (text.empty()) return false;
  const std::optional<std::uint64_t> unit = time ? TimeUnit(text.front()) : DateUnit(text.front());
  if (!unit.has_value()) return false;
  text.remove_prefix(1);
  const double extra = fraction * static_cast<double>(*unit);
  if (number * *unit > kMaxPart) return false;
  if (time) {
    parts.seconds += number * *unit;
    if (fractional) AddSeconds(extra, parts);
  } else {
    parts.days += number * *unit;
    if (fractional) {
      const double whole = std::trunc(extra);
      parts.days += Truncated(whole);
      AddSeconds((extra - whole) * static_cast<double>(kDaySeconds), parts);
    }
  }
  return parts.Fit();
}

// Behind the P.
bool ReadIso(absl::string_view text, Parts& parts) {
  if (text.size() < 2) return false;
  bool time = false;
  bool fractional = false;
  while (!text.empty()) {
    if (absl::ConsumePrefix(&text, "T")) {
      if (std::exchange(time, true)) return false;
    } else if (!TakeIsoPart(text, time, fractional, parts)) {
      return false;
    }
  }
  return true;
}

// "100:30:00.5": hours of any number of digits up to ten, even none.
bool ReadHours(absl::string_view text, Parts& parts) {
  const std::size_t colon = text.find(':');
  if (text.size() < 5 || colon == absl::string_view::npos || colon > 10) return false;
  std::uint64_t hours = 0;
  for (const char c : text.substr(0, colon)) {
    if (!IsDigit(c)) return false;
    hours = hours * 10 + static_cast<std::uint64_t>(c - '0');
  }
  constexpr std::uint64_t kMaxHours = 2'400'000'000;
  if (hours > kMaxHours) return false;
  // What is longer than "mm:ss.uuuuuu" is cut off, whatever it is.
  constexpr std::size_t kMaxRest = 12;
  const std::optional<ClockTime> rest = ReadClock(absl::StrCat("00:", text.substr(colon + 1, kMaxRest)));
  if (!rest.has_value()) return false;
  parts.days = hours / 24;
  parts.seconds = hours % 24 * 3600 + static_cast<std::uint64_t>(rest->minute * 60 + rest->second);
  parts.microseconds = static_cast<std::uint64_t>(rest->microsecond);
  return true;
}

// "1 day, 00:00:01": of the word only its first letter must be there.
bool ReadDays(absl::string_view text, Parts& parts) {
  std::uint64_t days = 0;
  if (!TakeNumber(text, days)) return false;
  absl::ConsumePrefix(&text, " ");
  if (!absl::ConsumePrefix(&text, "d") && !absl::ConsumePrefix(&text, "D")) return false;
  if (absl::ConsumePrefix(&text, "ay")) {
    absl::ConsumePrefix(&text, "s");
  } else if (absl::ConsumePrefix(&text, "AY")) {
    absl::ConsumePrefix(&text, "S");
  } else if (absl::StartsWith(text, "a") || absl::StartsWith(text, "A")) {
    return false;
  }
  absl::ConsumePrefix(&text, ",");
  absl::ConsumePrefix(&text, " ");
  if (!text.empty() && (!ReadHours(text, parts) || parts.days > 0)) return false;
  parts.days = days;
  return true;
}

std::optional<Duration> Normalized(bool negative, Parts parts) {
  Duration duration;
  duration.microseconds = static_cast<std::int64_t>(parts.microseconds % kMicros);
  const std::uint64_t seconds = parts.seconds + parts.microseconds / kMicros;
  duration.seconds = static_cast<std::int64_t>(seconds % kDaySeconds);
  duration.days = static_cast<std::int64_t>(parts.days + seconds / kDaySeconds);
  duration.negative = negative && (duration.days != 0 || duration.seconds != 0 || duration.microseconds != 0);
  if (duration.days > kMaxDays) return std::nullopt;
  return duration;
}

}  // namespace

std::optional<Duration> ReadDuration(absl::string_view text) {
  const bool negative = absl::ConsumePrefix(&text, "-");
  if (!negative) absl::ConsumePrefix(&text, "+");
  if (text.empty()) return std::nullopt;
  Parts parts;
  bool read = false;
  if (absl::ConsumePrefix(&text, "P")) {
    read = ReadIso(text, parts);
  } else if (text.size() < 5 || text.find_first_of("dD") != absl::string_view::npos) {
    read = ReadDays(text, parts);
  } else {
    read = ReadHours(text, parts);
  }
  if (!read) return std::nullopt;
  return Normalized(negative, parts);
}

std::optional<Duration> DurationFromNumber(const Json& number) {
  if (!number.is_number()) return std::nullopt;
  const double total = number.get<double>();
  // Days that fit; NaN does not.
  if (!(std::fabs(total) < static_cast<double>(kMaxDays + 1) * kDaySeconds)) return std::nullopt;
  Parts parts;
  if (number.is_number_integer()) {
    const auto integer = number.get<std::int64_t>();
    const auto magnitude = static_cast<std::uint64_t>(integer < 0 ? -integer : integer);
    parts.days = magnitude / kDaySeconds;
    parts.seconds = magnitude % kDaySeconds;
  } else {
    const double magnitude = std::fabs(total);
    const auto whole = static_cast<std::uint64_t>(magnitude);
    parts.days = static_cast<std::uint64_t>(magnitude / kDaySeconds);
    parts.seconds = whole % kDaySeconds;
    parts.microseconds = static_cast<std::uint64_t>(std::round((magnitude - std::trunc(magnitude)) * 1e6));
  }
  return Normalized(total < 0, parts);
}

bool IsTimedelta(const Duration& duration) {
  return !duration.negative || duration.days < kMaxDays || (duration.seconds == 0 && duration.microseconds == 0);
}

std::string DurationText(const Duration& duration) {
  std::string text = duration.negative ? "-P" : "P";
  if (duration.days / 365 != 0) absl::StrAppend(&text, duration.days / 365, "Y");
  if (duration.days % 365 != 0) absl::StrAppend(&text, duration.days % 365, "D");
  const bool time = duration.seconds != 0 || duration.microseconds != 0;
  if (!time) return duration.days == 0 ? "PT0S" : text;
  text.push_back('T');
  if (duration.seconds / 3600 != 0) absl::StrAppend(&text, duration.seconds / 3600, "H");
  if (duration.seconds % 3600 / 60 != 0) absl::StrAppend(&text, duration.seconds % 3600 / 60, "M");
  const std::int64_t seconds = duration.seconds % 60;
  if (seconds == 0 && duration.microseconds == 0) return text;
  absl::StrAppend(&text, seconds);
  if (duration.microseconds != 0) {
    const std::string fraction = absl::StrFormat("%06d", duration.microseconds);
    absl::StrAppend(&text, ".", fraction.substr(0, fraction.find_last_not_of('0') + 1));
  }
  text.push_back('S');
  return text;
}

}  // namespace dspex
