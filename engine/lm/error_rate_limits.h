#pragma once

#include <absl/status/status.h>

#include <optional>

#include "engine/lm/rate_limits.h"

namespace dspex::lm {

/// `error` with the limits that the provider names in it, for whoever keeps to them in this process.
absl::Status WithRateLimits(absl::Status error, const RateLimits& limits);

/// What WithRateLimits added, taken out again: callers have no use for it. Nothing if it added nothing.
std::optional<RateLimits> TakeRateLimits(absl::Status& error);

}  // namespace dspex::lm
