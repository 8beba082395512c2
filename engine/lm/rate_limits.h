#pragma once

#include <optional>

#include "engine/base/task.h"

namespace dspex::lm {

/// What a provider says of one of its limits.
struct RateLimit {
  /// How much it gives when nothing of it is used.
  std::optional<long long> limit = {};
  /// How much of it is left.
  std::optional<long long> remaining = {};
  /// In what time all of it is there again.
  std::optional<Clock::duration> reset = {};

  bool known() const { return limit.has_value() || remaining.has_value(); }
  bool operator==(const RateLimit&) const = default;
};

/// The limits that a provider names with its answers; what it does not name is not known().
struct RateLimits {
  RateLimit requests = {};
  /// Of input and output together.
  RateLimit tokens = {};
  RateLimit input_tokens = {};
  RateLimit output_tokens = {};

  bool known() const { return requests.known() || tokens.known() || input_tokens.known() || output_tokens.known(); }
  bool operator==(const RateLimits&) const = default;
};

}  // namespace dspex::lm
