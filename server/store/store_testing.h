#pragma once

#include <gtest/gtest.h>
#include <stdlib.h>

#include <atomic>
#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/this_coro.hpp>
#include <exception>
#include <filesystem>
#include <future>
#include <memory>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "engine/base/task.h"

namespace dspex {

/// A folder that goes away with the test.
class TemporaryFolder {
 public:
  TemporaryFolder() {
    std::string name = ::testing::TempDir() + "/dspex-XXXXXX";
    path_ = mkdtemp(name.data());
  }
  ~TemporaryFolder() { std::filesystem::remove_all(path_); }
  TemporaryFolder(const TemporaryFolder&) = delete;
  TemporaryFolder& operator=(const TemporaryFolder&) = delete;

  const std::string& path() const { return path_; }

 private:
  std::string path_;
};

/// An I/O pool for tests, as the server has one (each thread runs an executor of its own), and a way to wait for tasks
/// from outside of it.
class TestPool {
 public:
  explicit TestPool(int threads = 2) {
    for (int i = 0; i < threads; ++i) threads_.push_back(std::make_unique<Thread>());
  }

  asio::any_io_executor executor() { return threads_[next_++ % threads_.size()]->io.get_executor(); }

  /// Starts the task on one of the threads.
  template <typename Result>
  std::future<Result> Start(asio::awaitable<Result> task) {
    auto promise = std::make_shared<std::promise<Result>>();
    std::future<Result> future = promise->get_future();
    asio::co_spawn(executor(), Rooted(std::move(task)), [promise](std::exception_ptr exception, Result result) {
      if (exception) {
        promise->set_exception(exception);
      } else {
        promise->set_value(std::move(result));
      }
    });
    return future;
  }

  template <typename Result>
  Result Await(asio::awaitable<Result> task) {
    return Start(std::move(task)).get();
  }

  /// With one thread: returns when every task started before has run until it first waited for something else.
  void Settle() {
    Start([]() -> asio::awaitable<int> { co_return 0; }()).get();
  }

 private:
  struct Thread {
    ~Thread() {
      work.reset();
      thread.join();
    }
    asio::io_context io{1};
    asio::executor_work_guard<asio::io_context::executor_type> work = asio::make_work_guard(io);
    std::thread thread{[this] { io.run(); }};
  };

  template <typename Result>
  static asio::awaitable<Result> Rooted(asio::awaitable<Result> task) {
    co_await asio::this_coro::throw_if_cancelled(false);
    co_return co_await std::move(task);
  }

  std::vector<std::unique_ptr<Thread>> threads_;
  std::atomic<std::size_t> next_{0};
};

}  // namespace dspex
