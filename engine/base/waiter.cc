#include "engine/base/waiter.h"

#include <boost/asio/associated_cancellation_slot.hpp>
#include <boost/asio/async_result.hpp>
#include <boost/asio/cancellation_state.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <utility>

namespace dspex {

/// What the timer holds while a coroutine waits. If it dies unused then the timer's io_context goes, and the coroutine,
/// which the waiter holds and which holds the waiter, must go with it.
struct Waiter::Timeout {
  explicit Timeout(std::shared_ptr<Waiter> of) : waiter(std::move(of)) {}
  Timeout(Timeout&&) = default;
  ~Timeout() {
    if (waiter != nullptr) waiter->resume_ = nullptr;
  }

  void operator()(boost::system::error_code ec) {
    const std::shared_ptr<Waiter> used = std::move(waiter);
    if (!ec) used->Resume();
  }

  std::shared_ptr<Waiter> waiter;
};

Waiter::Waiter(asio::any_io_executor executor) : executor_(std::move(executor)), timer_(executor_) {}

void Waiter::Wake() {
  if (!woken_.exchange(true, std::memory_order_acq_rel)) PostResume();
}

void Waiter::WakeHere() {
  if (!woken_.exchange(true, std::memory_order_acq_rel)) Resume();
}

void Waiter::PostResume() {
  asio::post(executor_, [self = shared_from_this()] { self->Resume(); });
}

void Waiter::Resume() {
  if (resume_ == nullptr) return;
  timer_.cancel();
  std::exchange(resume_, nullptr)();
}

asio::awaitable<void> Waiter::Suspend(TimePoint deadline, Until until) {
  const auto begin = [this, deadline, until](auto handler) {
    // The coroutine is suspended here.
    auto slot = asio::get_associated_cancellation_slot(handler);
    if (until == Until::kWokenOrCancelled && slot.is_connected()) {
      slot.assign([this](asio::cancellation_type) { PostResume(); });
    }
    resume_ = std::move(handler);
    timer_.expires_at(deadline);
    timer_.async_wait(Timeout(shared_from_this()));
  };
  return asio::async_initiate<const asio::use_awaitable_t<>&, void()>(begin, asio::use_awaitable);
}

// What resumes the coroutine may be left over from an earlier wait, so both of these look again. A Wake that comes
// after they have looked is posted, and so finds the coroutine suspended.

StatusTask Waiter::Wait(std::shared_ptr<Waiter> self, TimePoint deadline) {
  for (bool waited = false;; waited = true) {
    // A cancellation that came before would not end a wait that begins after it.
    const auto cancellation = co_await asio::this_coro::cancellation_state;
    if (cancellation.cancelled() != asio::cancellation_type::none) {
      co_return absl::CancelledError("cancelled while waiting");
    }
    if (self->woken()) co_return absl::OkStatus();
    if (waited && Clock::now() >= deadline) {
      co_return absl::DeadlineExceededError("the deadline passed while waiting");
    }
    co_await self->Suspend(deadline, Until::kWokenOrCancelled);
  }
}

asio::awaitable<void> Waiter::WaitUncancelled(std::shared_ptr<Waiter> self) {
  while (!self->woken()) co_await self->Suspend(kNoDeadline, Until::kWoken);
}

}  // namespace dspex
