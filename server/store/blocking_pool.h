#pragma once

#include <absl/base/thread_annotations.h>

#include <boost/asio/this_coro.hpp>
#include <cstddef>
#include <deque>
#include <functional>
#include <memory>
#include <thread>
#include <utility>
#include <vector>

#include "engine/base/mutex.h"
#include "engine/base/task.h"
#include "server/store/one_shot.h"

namespace dspex {

/// RESOURCE_EXHAUSTED / SERVER_OVERLOADED with a RetryInfo: the queue named is full.
absl::Status QueueFullError(absl::string_view queue, std::size_t limit);

/// Threads for calls that block (SQLite, libpq), so that no thread of the I/O pool ever does. Thread-safe.
///
/// Destruction finishes what is queued and joins the threads. It must come before the destruction of the I/O context
/// whose coroutines wait, since a finished call posts to it.
class BlockingPool {
 public:
  struct Options {
    int threads = 2;
    /// Calls waiting for a thread; more are refused.
    std::size_t max_queued = 1024;
  };

  explicit BlockingPool(Options options);
  ~BlockingPool();
  BlockingPool(const BlockingPool&) = delete;
  BlockingPool& operator=(const BlockingPool&) = delete;

  /// Runs `work` on one of the threads and resumes the caller on its own executor (a strand or single-threaded).
  /// SERVER_OVERLOADED if the queue is full. A cancelled caller gets kCancelled at once; the work still runs, so it
  /// must own what it uses. `work` throws nothing.
  template <typename T>
  Task<T> Run(std::function<absl::StatusOr<T>()> work) {
    auto result = std::make_shared<OneShot<T>>(co_await asio::this_coro::executor);
    const absl::Status queued = Submit([result, work = std::move(work)] { result->Set(work()); });
    if (!queued.ok()) co_return queued;
    co_return co_await OneShot<T>::Take(std::move(result));
  }

 private:
  absl::Status Submit(std::function<void()> work);
  void Work();

  const Options options_;
  Mutex mutex_;
  CondVar changed_;
  std::deque<std::function<void()>> queue_ ABSL_GUARDED_BY(mutex_);
  bool stops_ ABSL_GUARDED_BY(mutex_) = false;
  std::vector<std::thread> threads_;
};

}  // namespace dspex
