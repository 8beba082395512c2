#pragma once

#include <absl/base/thread_annotations.h>

#include <boost/asio/any_io_executor.hpp>
#include <list>
#include <memory>
#include <utility>
#include <vector>

#include "engine/base/mutex.h"
#include "engine/base/task.h"
#include "engine/base/waiter.h"
#include "providers/http/client.h"

namespace dspex::http {

class Connection;
class Pool;

/// The right to one of the pool's connections: an open one, or, with none, to open one. What it holds when it dies goes
/// on: a connection that is clean to the next in the queue or among the idle, any other makes room for a new one.
class Lease {
 public:
  Lease() = default;
  Lease(std::shared_ptr<Pool> pool, std::shared_ptr<Connection> connection);
  Lease(Lease&&) noexcept = default;
  Lease& operator=(Lease&& other) noexcept;
  ~Lease();

  explicit operator bool() const { return pool_ != nullptr; }
  const std::shared_ptr<Connection>& connection() const { return connection_; }
  /// Fills the lease with a connection just opened, or empties it of a broken one.
  void set_connection(std::shared_ptr<Connection> connection) { connection_ = std::move(connection); }

 private:
  std::shared_ptr<Pool> pool_;
  std::shared_ptr<Connection> connection_;
};

/// The connections to one server: at most `max_connections` exist, those in no use are kept by the executor they were
/// opened on, their home. Thread-safe.
///
/// Somebody waits only while all connections are in use, so one given back goes straight to the first in the queue and
/// nobody can overtake it.
class Pool : public std::enable_shared_from_this<Pool> {
 public:
  explicit Pool(int max_connections) : max_connections_(max_connections) {}

  /// An idle connection of `home`, else the right to open one, else an idle connection of another home, else nothing.
  Lease TryAcquire(const asio::any_io_executor& home);

  /// The same, in order of arrival among those who wait. kDeadlineExceeded or kCancelled without one.
  Task<Lease> Acquire(TimePoint deadline);

  /// Takes the connection out of the idle ones, for good; false if somebody has it.
  bool RemoveIdle(const Connection& connection);

  void CountOpened();
  PoolStats stats() const;

  /// Closes the idle connections on their homes and keeps none from now on.
  void Close();

 private:
  friend class Lease;

  /// A place in the queue, left when it dies. What it was given stands in `lease` from before it was woken.
  struct Waiting {
    Waiting(std::shared_ptr<Pool> pool, asio::any_io_executor executor);
    ~Waiting();
    Waiting(const Waiting&) = delete;
    Waiting& operator=(const Waiting&) = delete;

    const std::shared_ptr<Pool> pool;
    const std::shared_ptr<Waiter> waiter;
    std::list<Waiting*>::iterator place;
    bool queued = false;
    Lease lease;
  };

  struct Home {
    asio::any_io_executor executor;
    std::vector<std::shared_ptr<Connection>> idle;
  };

  Lease TryAcquireLocked(const asio::any_io_executor& executor) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  void Release(std::shared_ptr<Connection> connection);
  Lease TakeIdle(Home& home) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);

  const int max_connections_;
  mutable Mutex mutex_;
  std::vector<Home> homes_ ABSL_GUARDED_BY(mutex_);
  std::list<Waiting*> queue_ ABSL_GUARDED_BY(mutex_);
  /// Connections in use, being opened and idle.
  int connections_ ABSL_GUARDED_BY(mutex_) = 0;
  int idle_ ABSL_GUARDED_BY(mutex_) = 0;
  std::int64_t opened_ ABSL_GUARDED_BY(mutex_) = 0;
  bool closed_ ABSL_GUARDED_BY(mutex_) = false;
};

}  // namespace dspex::http
