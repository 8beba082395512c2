#pragma once

#include <atomic>
#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/steady_timer.hpp>
#include <memory>

#include "engine/base/task.h"

namespace dspex {

/// One suspended coroutine that any thread may wake: what the events, semaphores and queues of this code are made of.
///
/// Held by shared_ptr: the waker may still hold it when the waiting coroutine has gone on. Wait is called on the
/// executor given to the constructor, which must be single-threaded or a strand; Wake from any thread.
class Waiter : public std::enable_shared_from_this<Waiter> {
 public:
  explicit Waiter(asio::any_io_executor executor);

  /// Wakes the coroutine: its Wait returns OK. Later calls do nothing.
  void Wake();

  /// Whether Wake was called.
  bool woken() const { return woken_.load(std::memory_order_acquire); }

  /// Suspends until Wake (OK), the deadline (kDeadlineExceeded) or the coroutine's cancellation (kCancelled). A wake
  /// that came at the same time as one of these is seen in woken(): the caller hands on what it was given.
  StatusTask Wait(TimePoint deadline);

 private:
  asio::any_io_executor executor_;
  asio::steady_timer timer_;
  std::atomic<bool> woken_{false};
};

}  // namespace dspex
