#include "engine/base/semaphore.h"

#include <algorithm>
#include <boost/asio/this_coro.hpp>

namespace dspex {

bool Semaphore::TryAcquire() {
  MutexLock lock(&mutex_);
  if (available_ == 0) return false;
  --available_;
  return true;
}

Task<Semaphore::Permit> Semaphore::Acquire(TimePoint deadline) {
  if (TryAcquire()) co_return Permit(this);
  auto waiter = std::make_shared<Waiter>(co_await asio::this_coro::executor);
  {
    MutexLock lock(&mutex_);
    if (available_ > 0) {
      --available_;
      co_return Permit(this);
    }
    waiters_.push_back(waiter);
  }
  absl::Status status = co_await waiter->Wait(deadline);
  {
    MutexLock lock(&mutex_);
    std::erase(waiters_, waiter);
  }
  // Release wakes under the lock, so from here on `woken` is final: a permit that came too late goes back.
  Permit permit = waiter->woken() ? Permit(this) : Permit();
  if (!status.ok()) co_return status;
  co_return permit;
}

void Semaphore::Release() {
  MutexLock lock(&mutex_);
  if (waiters_.empty()) {
    ++available_;
    return;
  }
  waiters_.front()->Wake();
  waiters_.pop_front();
}

}  // namespace dspex
