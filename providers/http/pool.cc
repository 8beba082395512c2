#include "providers/http/pool.h"

#include <algorithm>
#include <boost/asio/post.hpp>
#include <boost/asio/this_coro.hpp>

#include "engine/base/mutex.h"
#include "providers/http/connection.h"

namespace dspex::http {

Lease::Lease(std::shared_ptr<Pool> pool, std::shared_ptr<Connection> connection)
    : pool_(std::move(pool)), connection_(std::move(connection)) {}

Lease& Lease::operator=(Lease&& other) noexcept {
  std::swap(pool_, other.pool_);
  std::swap(connection_, other.connection_);
  return *this;
}

Lease::~Lease() {
  if (pool_ != nullptr) pool_->Release(std::move(connection_));
}

Lease Pool::TryAcquire(const asio::any_io_executor& home) {
  MutexLock lock(&mutex_);
  return TryAcquireLocked(home);
}

Lease Pool::TryAcquireLocked(const asio::any_io_executor& executor) {
  const auto own =
      std::find_if(homes_.begin(), homes_.end(), [&](const Home& home) { return home.executor == executor; });
  if (own != homes_.end() && !own->idle.empty()) return TakeIdle(*own);
  if (connections_ < max_connections_) {
    ++connections_;
    return Lease(shared_from_this(), nullptr);
  }
  const auto other = std::find_if(homes_.begin(), homes_.end(), [](const Home& home) { return !home.idle.empty(); });
  return other == homes_.end() ? Lease() : TakeIdle(*other);
}

// The one used last: the others may grow old and be closed.
Lease Pool::TakeIdle(Home& home) {
  Lease lease(shared_from_this(), std::move(home.idle.back()));
  home.idle.pop_back();
  --idle_;
  return lease;
}

Pool::Waiting::Waiting(std::shared_ptr<Pool> pool, asio::any_io_executor executor)
    : pool(std::move(pool)), waiter(std::make_shared<Waiter>(std::move(executor))) {}

Pool::Waiting::~Waiting() {
  MutexLock lock(&pool->mutex_);
  if (queued) pool->queue_.erase(place);
}

Task<Lease> Pool::Acquire(TimePoint deadline) {
  const asio::any_io_executor executor = co_await asio::this_coro::executor;
  Waiting waiting(shared_from_this(), executor);
  {
    MutexLock lock(&mutex_);
    Lease lease = TryAcquireLocked(executor);
    if (lease) co_return lease;
    waiting.place = queue_.insert(queue_.end(), &waiting);
    waiting.queued = true;
  }
  absl::Status waited = co_await waiting.waiter->Wait(deadline);
  // A lease that comes together with the deadline or the cancellation goes on to the next as `waiting` dies.
  if (!waited.ok()) co_return waited;
  // Given before the wake, which Wait has seen.
  co_return std::move(waiting.lease);
}

void Pool::Release(std::shared_ptr<Connection> connection) {
  if (connection != nullptr && !connection->clean()) connection = nullptr;
  MutexLock lock(&mutex_);
  if (!queue_.empty()) {
    Waiting* const first = queue_.front();
    queue_.pop_front();
    first->queued = false;
    first->lease = Lease(shared_from_this(), std::move(connection));
    // Held on the stack: the waiting coroutine may go on, and its frame away, as soon as the lock is gone.
    const std::shared_ptr<Waiter> waiter = first->waiter;
    waiter->Wake();
    return;
  }
  if (connection == nullptr || closed_) {
    --connections_;
    if (connection != nullptr) {
      const asio::any_io_executor home = connection->home();
      asio::post(home, [connection = std::move(connection)] { connection->Close(); });
    }
    return;
  }
  auto home = std::find_if(homes_.begin(), homes_.end(),
                           [&](const Home& candidate) { return candidate.executor == connection->home(); });
  if (home == homes_.end()) home = homes_.insert(homes_.end(), Home{connection->home(), {}});
  home->idle.push_back(std::move(connection));
  ++idle_;
}

bool Pool::RemoveIdle(const Connection& connection) {
  // Freed after the lock is.
  std::shared_ptr<Connection> removed;
  MutexLock lock(&mutex_);
  for (Home& home : homes_) {
    const auto found = std::find_if(home.idle.begin(), home.idle.end(),
                                    [&](const auto& candidate) { return candidate.get() == &connection; });
    if (found == home.idle.end()) continue;
    removed = std::move(*found);
    home.idle.erase(found);
    --idle_;
    --connections_;
    return true;
  }
  return false;
}

void Pool::CountOpened() {
  MutexLock lock(&mutex_);
  ++opened_;
}

PoolStats Pool::stats() const {
  MutexLock lock(&mutex_);
  return PoolStats{idle_, connections_ - idle_, static_cast<int>(queue_.size()), opened_};
}

void Pool::Close() {
  std::vector<Home> homes;
  {
    MutexLock lock(&mutex_);
    closed_ = true;
    connections_ -= idle_;
    idle_ = 0;
    homes.swap(homes_);
  }
  for (Home& home : homes) {
    for (auto& connection : home.idle)
      asio::post(home.executor, [connection = std::move(connection)] { connection->Close(); });
  }
}

}  // namespace dspex::http
