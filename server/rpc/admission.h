#pragma once

#include <absl/base/thread_annotations.h>
#include <absl/status/status.h>

#include <atomic>
#include <functional>
#include "engine/base/mutex.h"

namespace dspex {

/// Counts the calls in flight, refuses what is beyond the limit and, at drain, everything. Thread-safe.
class Admission {
 public:
  explicit Admission(int max_in_flight) : max_in_flight_(max_in_flight) {}

  /// Takes a place for a call; Leave gives it back. RESOURCE_EXHAUSTED / SERVER_OVERLOADED with RetryInfo at the limit,
  /// UNAVAILABLE / SERVER_DRAINING once closed.
  absl::Status Enter();
  void Leave();

  /// Refuses new calls from now on. `on_idle` is called once, by whoever makes the count zero (perhaps at once).
  void Close(std::function<void()> on_idle);

  int in_flight() const { return in_flight_.load(std::memory_order_relaxed); }

 private:
  const int max_in_flight_;
  std::atomic<int> in_flight_{0};
  std::atomic<bool> closed_{false};
  Mutex mutex_;
  std::function<void()> on_idle_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace dspex
