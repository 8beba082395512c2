#pragma once

#include <absl/functional/any_invocable.h>

#include <atomic>
#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/steady_timer.hpp>
#include <memory>

#include "engine/base/task.h"

namespace dspex {

/// One suspended coroutine that any thread may wake: what the events, semaphores and queues of this code are made of.
///
/// Held by shared_ptr: the waker may still hold it when the waiting coroutine has gone on. Wait is called on the
/// executor given to the constructor, which must be single-threaded or a strand.
class Waiter : public std::enable_shared_from_this<Waiter> {
 public:
  explicit Waiter(asio::any_io_executor executor);

  /// Wakes the coroutine: its Wait returns OK. Later calls do nothing. From any thread.
  void Wake();

  /// The same for who is on the waiter's executor and holds no mutex: the coroutine goes on before this returns.
  void WakeHere();

  /// Whether it was woken.
  bool woken() const { return woken_.load(std::memory_order_acquire); }

  const asio::any_io_executor& executor() const { return executor_; }

  /// Suspends until Wake (OK), the deadline (kDeadlineExceeded) or the coroutine's cancellation (kCancelled). A wake
  /// that came at the same time as one of these is seen in woken(): the caller hands on what it was given.
  StatusTask Wait(TimePoint deadline) { return Wait(shared_from_this(), deadline); }

  /// Suspends until Wake, whatever else comes: a cancellation stays for the coroutine's next wait.
  asio::awaitable<void> WaitUncancelled() { return WaitUncancelled(shared_from_this()); }

 private:
  struct Timeout;
  enum class Until { kWoken, kWokenOrCancelled };

  static StatusTask Wait(std::shared_ptr<Waiter> self, TimePoint deadline);
  static asio::awaitable<void> WaitUncancelled(std::shared_ptr<Waiter> self);
  asio::awaitable<void> Suspend(TimePoint deadline, Until until);
  void Resume();
  void PostResume();

  const asio::any_io_executor executor_;
  std::atomic<bool> woken_{false};
  /// The coroutine while it is suspended. Touched on the executor only, like the timer.
  absl::AnyInvocable<void()> resume_;
  asio::steady_timer timer_;
};

}  // namespace dspex
