#include "engine/base/waiter.h"

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/cancellation_state.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <utility>

namespace dspex {

Waiter::Waiter(asio::any_io_executor executor) : executor_(std::move(executor)), timer_(executor_) {}

void Waiter::Wake() {
  if (woken_.exchange(true, std::memory_order_acq_rel)) return;
  // On the waiter's own executor the timer is either not yet waited for (Wait sees `woken_`) or waited for.
  asio::post(executor_, [self = shared_from_this()] { self->timer_.cancel(); });
}

StatusTask Waiter::Wait(TimePoint deadline) {
  const std::shared_ptr<Waiter> self = shared_from_this();
  timer_.expires_at(deadline);
  // woken_ is read after expires_at (which drops earlier waits) and before the wait begins; a Wake after that is
  // posted and so cancels the wait.
  const auto before = co_await asio::this_coro::cancellation_state;
  // A cancellation that came before would not end a wait that begins after it.
  if (!woken() && before.cancelled() == asio::cancellation_type::none) {
    auto [ec] = co_await timer_.async_wait(asio::as_tuple(asio::use_awaitable));
    (void)ec;
  }
  const auto cancellation = co_await asio::this_coro::cancellation_state;
  if (cancellation.cancelled() != asio::cancellation_type::none)
    co_return absl::CancelledError("cancelled while waiting");
  if (!woken()) co_return absl::DeadlineExceededError("the deadline passed while waiting");
  co_return absl::OkStatus();
}

}  // namespace dspex
