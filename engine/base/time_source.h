#pragma once

#include "engine/base/task.h"

namespace dspex {

/// The clock and the sleep of what a test must not wait for: retries, limits, breakers. Thread-safe.
class TimeSource {
 public:
  virtual ~TimeSource() = default;

  virtual TimePoint Now() const = 0;

  /// Suspends the coroutine, on its own executor, until `time` (OK) or its cancellation (CANCELLED).
  virtual StatusTask SleepUntil(TimePoint time) = 0;
};

/// The steady clock.
class SteadyTime final : public TimeSource {
 public:
  TimePoint Now() const override { return Clock::now(); }
  StatusTask SleepUntil(TimePoint time) override;
};

}  // namespace dspex
