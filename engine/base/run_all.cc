#include "engine/base/run_all.h"

#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/cancellation_signal.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/this_coro.hpp>
#include <deque>
#include <exception>
#include <utility>

#include "engine/base/waiter.h"

namespace dspex {

namespace {

struct Siblings {
  std::deque<asio::cancellation_signal> signals;
  std::size_t running = 0;
  absl::Status first_error;
  std::shared_ptr<Waiter> all_ended;

  void CancelAll() {
    for (auto& signal : signals) signal.emit(asio::cancellation_type::terminal);
  }
};

// co_spawn would let an exception of a cancelled await escape between two awaits: off, here and in the bridge.
StatusTask WithoutCancellationExceptions(StatusTask task) {
  co_await asio::this_coro::throw_if_cancelled(false);
  co_return co_await std::move(task);
}

}  // namespace

StatusTask RunAll(std::vector<StatusTask> tasks) {
  if (tasks.empty()) co_return absl::OkStatus();
  const asio::any_io_executor executor = co_await asio::this_coro::executor;
  auto siblings = std::make_shared<Siblings>();
  siblings->running = tasks.size();
  siblings->all_ended = std::make_shared<Waiter>(executor);
  for (StatusTask& task : tasks) {
    if (!siblings->first_error.ok()) {
      // An earlier task failed before it first suspended.
      --siblings->running;
      continue;
    }
    asio::cancellation_signal& signal = siblings->signals.emplace_back();
    auto on_end = [siblings](std::exception_ptr exception, absl::Status status) {
      if (exception) status = absl::InternalError("a task ended by an exception");
      if (!status.ok() && siblings->first_error.ok()) {
        siblings->first_error = std::move(status);
        siblings->CancelAll();
      }
      if (--siblings->running == 0) siblings->all_ended->Wake();
    };
    asio::co_spawn(executor, WithoutCancellationExceptions(std::move(task)),
                   asio::bind_cancellation_slot(signal.slot(), std::move(on_end)));
  }
  if (siblings->running == 0) co_return siblings->first_error;
  absl::Status waited = co_await siblings->all_ended->Wait(kNoDeadline);
  if (!waited.ok()) {
    // Cancelled. The tasks refer to the caller's frame, so they must end before this returns.
    siblings->CancelAll();
    co_await asio::this_coro::reset_cancellation_state(asio::disable_cancellation());
    if (siblings->running > 0) {
      auto again = std::make_shared<Waiter>(executor);
      siblings->all_ended = again;
      const absl::Status ended = co_await again->Wait(kNoDeadline);
      (void)ended;
    }
    if (siblings->first_error.ok()) co_return waited;
  }
  co_return siblings->first_error;
}

}  // namespace dspex
