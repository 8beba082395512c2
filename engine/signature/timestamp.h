#pragma once

#include <absl/strings/string_view.h>

#include <optional>

#include "engine/signature/date_time.h"

namespace dspex {

/// A moment counted in seconds since 1970, or in milliseconds beyond 2e10, as a text: "1654646400", "-1.5".
std::optional<CivilTime> ReadTimestamp(absl::string_view text);

/// The date, if the time is midnight.
std::optional<CivilDate> AtMidnight(const std::optional<CivilTime>& time);

}  // namespace dspex
