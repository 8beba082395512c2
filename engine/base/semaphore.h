#pragma once

#include <absl/base/thread_annotations.h>

#include <deque>
#include <memory>

#include "engine/base/mutex.h"
#include "engine/base/task.h"
#include "engine/base/waiter.h"

namespace dspex {

/// A counting semaphore for coroutines of any executor; permits are given in order of arrival. Thread-safe. Must
/// outlive its permits.
class Semaphore {
 public:
  /// Gives its permit back when it dies.
  class Permit {
   public:
    Permit() = default;
    explicit Permit(Semaphore* semaphore) : semaphore_(semaphore) {}
    Permit(Permit&& other) noexcept : semaphore_(std::exchange(other.semaphore_, nullptr)) {}
    Permit& operator=(Permit&& other) noexcept {
      std::swap(semaphore_, other.semaphore_);
      return *this;
    }
    ~Permit() {
      if (semaphore_ != nullptr) semaphore_->Release();
    }

   private:
    Semaphore* semaphore_ = nullptr;
  };

  explicit Semaphore(int permits) : available_(permits) {}

  /// Waits for a permit; kDeadlineExceeded or kCancelled without one.
  Task<Permit> Acquire(TimePoint deadline);

  /// A permit if one is free and nobody waits.
  bool TryAcquire();

 private:
  void Release();

  Mutex mutex_;
  int available_ ABSL_GUARDED_BY(mutex_);
  std::deque<std::shared_ptr<Waiter>> waiters_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace dspex
