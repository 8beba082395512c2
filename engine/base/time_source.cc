#include "engine/base/time_source.h"

#include <boost/asio/this_coro.hpp>

namespace dspex {

StatusTask SteadyTime::SleepUntil(TimePoint time) {
  // Nothing wakes it: it ends at its deadline.
  const auto waiter = std::make_shared<Waiter>(co_await asio::this_coro::executor);
  absl::Status ended = co_await waiter->Wait(time);
  co_return absl::IsDeadlineExceeded(ended) ? absl::OkStatus() : ended;
}

StatusTask SteadyTime::WaitUntil(std::shared_ptr<Waiter> waiter, TimePoint deadline) { return waiter->Wait(deadline); }

}  // namespace dspex
