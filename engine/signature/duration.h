#pragma once

#include <absl/strings/string_view.h>

#include <cstdint>
#include <optional>
#include <string>

#include "engine/json/json.h"

namespace dspex {

/// A timedelta: a sign and an amount, seconds below a day, microseconds below a second.
struct Duration {
  bool negative = false;
  std::int64_t days = 0;
  std::int64_t seconds = 0;
  std::int64_t microseconds = 0;
};

/// As pydantic's lax mode: "P1DT2H", "-PT0.5S", "1 day, 00:00:01", "3d 12:30", "100:00:00"; a bool is no number here.
std::optional<Duration> ReadDuration(absl::string_view text);
/// Of seconds.
std::optional<Duration> DurationFromNumber(const Json& number);

/// Whether Python's timedelta holds it: its least one is -999999999 days. (Pydantic reads a little more, and fails
/// then.)
bool IsTimedelta(const Duration& duration);

/// As pydantic's JSON mode: "P1Y2DT3H4M5.6S", a year being 365 days.
std::string DurationText(const Duration& duration);

}  // namespace dspex
