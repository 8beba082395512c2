#include "server/job/job_signals.h"

#include <algorithm>
#include <utility>

namespace dspex {

namespace {

void EraseExpired(std::vector<std::weak_ptr<Waiter>>& waiters) {
  std::erase_if(waiters, [](const std::weak_ptr<Waiter>& waiter) { return waiter.expired(); });
}

}  // namespace

std::shared_ptr<Waiter> JobSignals::Wait(absl::string_view key, asio::any_io_executor executor) {
  auto waiter = std::make_shared<Waiter>(std::move(executor));
  MutexLock lock(&mutex_);
  if (waiters_.size() >= sweep_at_) Sweep();
  Waiters& waiters = waiters_[key];
  EraseExpired(waiters);
  waiters.push_back(waiter);
  return waiter;
}

void JobSignals::Sweep() {
  absl::erase_if(waiters_, [](auto& entry) {
    EraseExpired(entry.second);
    return entry.second.empty();
  });
  sweep_at_ = std::max<std::size_t>(64, 2 * waiters_.size());
}

void JobSignals::Notify(absl::string_view key) {
  Waiters waiters;
  {
    MutexLock lock(&mutex_);
    const auto found = waiters_.find(key);
    if (found == waiters_.end()) return;
    waiters = std::move(found->second);
    waiters_.erase(found);
  }
  for (const std::weak_ptr<Waiter>& waiter : waiters) {
    if (const std::shared_ptr<Waiter> waiting = waiter.lock()) waiting->Wake();
  }
}

}  // namespace dspex
