#include "server/store/blocking_pool.h"

#include <absl/strings/str_cat.h>

namespace dspex {

absl::Status QueueFullError(absl::string_view queue, std::size_t limit) {
  return Error(absl::StatusCode::kResourceExhausted, reason::kOverloaded,
               absl::StrCat("The server's queue of ", queue, " is full. Try again in a moment."))
      .With("queue", queue)
      .With("limit", static_cast<long long>(limit))
      .RetryAfter(std::chrono::milliseconds(200));
}

BlockingPool::BlockingPool(Options options) : options_(options) {
  threads_.reserve(static_cast<std::size_t>(options_.threads));
  for (int i = 0; i < options_.threads; ++i) threads_.emplace_back([this] { Work(); });
}

BlockingPool::~BlockingPool() {
  {
    MutexLock lock(&mutex_);
    stops_ = true;
    changed_.NotifyAll();
  }
  for (std::thread& thread : threads_) thread.join();
}

absl::Status BlockingPool::Submit(std::function<void()> work) {
  MutexLock lock(&mutex_);
  if (queue_.size() >= options_.max_queued) return QueueFullError("blocking calls", options_.max_queued);
  queue_.push_back(std::move(work));
  changed_.NotifyOne();
  return absl::OkStatus();
}

void BlockingPool::Work() {
  while (true) {
    std::function<void()> work;
    {
      MutexLock lock(&mutex_);
      while (queue_.empty() && !stops_) changed_.Wait(&mutex_);
      if (queue_.empty()) return;
      work = std::move(queue_.front());
      queue_.pop_front();
    }
    work();
  }
}

}  // namespace dspex
