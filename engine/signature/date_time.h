#pragma once

#include <absl/strings/string_view.h>

#include <cstdint>
#include <optional>
#include <string>

#include "engine/json/json.h"

namespace dspex {

// Dates and times as pydantic's lax mode reads them (from ISO 8601 forms, numbers and texts of numbers) and as its JSON
// mode writes them. Fractions beyond microseconds are cut off.

struct CivilDate {
  int year = 0;  // 0 to 9999; Python has no year 0.
  unsigned month = 1;
  unsigned day = 1;
};

struct ClockTime {
  int hour = 0;
  int minute = 0;
  int second = 0;
  int microsecond = 0;
  std::optional<int> offset;  // from UTC, in seconds
};

struct CivilTime {
  CivilDate date;
  ClockTime time;
};

/// "2024-02-29", a timestamp (seconds, or milliseconds beyond 2e10) or a datetime at midnight.
std::optional<CivilDate> ReadDate(absl::string_view text);
std::optional<CivilDate> DateFromNumber(const Json& number);

/// "12:30", "12:30:01.5", "12:30Z", "12:30+02:00"; as a number, seconds since midnight UTC.
std::optional<ClockTime> ReadTime(absl::string_view text);
std::optional<ClockTime> TimeFromNumber(const Json& number);

/// "2024-02-29T12:30:00Z" (T, t, space or underscore between), a date, or a timestamp, which is UTC.
std::optional<CivilTime> ReadDatetime(absl::string_view text);
std::optional<CivilTime> DatetimeFromNumber(const Json& number);

/// "12:30" with optional seconds and fraction, at the start of a text that holds no more than that; no offset.
std::optional<ClockTime> ReadClock(absl::string_view text);

std::string DateText(const CivilDate& date);
std::string TimeText(const ClockTime& time);
std::string DatetimeText(const CivilTime& time);

/// Microseconds: texts of equal values of Python (the same instant at another offset is equal) have equal keys. The
/// text is one that TimeText or DatetimeText wrote.
std::string TimeEqualityKey(absl::string_view text);
std::string DatetimeEqualityKey(absl::string_view text);

}  // namespace dspex
