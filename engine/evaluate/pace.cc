#include "engine/evaluate/pace.h"

#include <boost/asio/this_coro.hpp>

namespace dspex {

StatusTask Pace::Enter() {
  while (inside_ >= allowed_) {
    auto waiter = std::make_shared<Waiter>(co_await asio::this_coro::executor);
    waiters_.push_back(waiter);
    const absl::Status waited = co_await waiter->Wait(kNoDeadline);
    if (!waited.ok()) {
      std::erase(waiters_, waiter);
      // Woken and cancelled at once: somebody else may have the place.
      if (waiter->woken()) WakeSome();
      co_return waited;
    }
  }
  ++inside_;
  co_return absl::OkStatus();
}

void Pace::Leave() {
  --inside_;
  if (settling_ > 0) --settling_;
  WakeSome();
}

void Pace::Speed() {
  if (allowed_ >= limit_ || ++successes_ < allowed_) return;
  successes_ = 0;
  ++allowed_;
  WakeSome();
}

void Pace::Slow() {
  successes_ = 0;
  if (settling_ > 0) return;
  settling_ = inside_;
  allowed_ = std::max(1, allowed_ / 2);
}

void Pace::WakeSome() {
  int places = allowed_ - inside_;
  while (places-- > 0 && !waiters_.empty()) {
    waiters_.front()->Wake();
    waiters_.pop_front();
  }
}

}  // namespace dspex
