#pragma once

#include <memory>

#include "engine/base/task.h"
#include "engine/base/waiter.h"

namespace dspex {

/// The clock and the sleep of what a test must not wait for: retries, limits, breakers. Thread-safe.
class TimeSource {
 public:
  virtual ~TimeSource() = default;

  virtual TimePoint Now() const = 0;

  /// Suspends the coroutine, on its own executor, until `time` (OK) or its cancellation (CANCELLED).
  virtual StatusTask SleepUntil(TimePoint time) = 0;

  /// Waiter::Wait with a deadline of this clock. What ended the wait and what came at the same time may differ: what
  /// the waiter waited for says whether it is there.
  virtual StatusTask WaitUntil(std::shared_ptr<Waiter> waiter, TimePoint deadline) = 0;
};

/// The steady clock.
class SteadyTime final : public TimeSource {
 public:
  TimePoint Now() const override { return Clock::now(); }
  StatusTask SleepUntil(TimePoint time) override;
  StatusTask WaitUntil(std::shared_ptr<Waiter> waiter, TimePoint deadline) override;
};

}  // namespace dspex
