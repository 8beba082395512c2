#pragma once

#include <absl/base/thread_annotations.h>
#include <absl/status/status.h>

#include <atomic>
#include <cstdint>
#include <functional>

#include "engine/base/mutex.h"

namespace dspex {

/// Bounds on the calls in flight.
struct AdmissionLimits {
  int calls = 0;
  /// Of the request messages, as they came over the wire.
  std::int64_t bytes = 0;
};

/// Counts the calls in flight and their requests' bytes, refuses what is beyond the limits and, at drain, everything.
/// Thread-safe.
class Admission {
 public:
  explicit Admission(const AdmissionLimits& limits) : limits_(limits) {}

  /// Takes a place for a call with a request of `bytes`; Leave, with the same number, gives it back. RESOURCE_EXHAUSTED
  /// / SERVER_OVERLOADED with RetryInfo at a limit, UNAVAILABLE / SERVER_DRAINING once closed.
  absl::Status Enter(std::int64_t bytes);
  void Leave(std::int64_t bytes);
  /// A call that is in flight holds `after` bytes in place of `before`. SERVER_OVERLOADED, and nothing changed, if that
  /// is more and passes the limit.
  absl::Status Resize(std::int64_t before, std::int64_t after);

  /// Refuses new calls from now on. `on_idle` is called once, by whoever makes the count zero (perhaps at once).
  void Close(std::function<void()> on_idle);

  int in_flight() const { return in_flight_.load(std::memory_order_relaxed); }

 private:
  const AdmissionLimits limits_;
  std::atomic<int> in_flight_{0};
  std::atomic<std::int64_t> bytes_{0};
  std::atomic<bool> closed_{false};
  Mutex mutex_;
  std::function<void()> on_idle_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace dspex
