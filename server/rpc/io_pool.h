#pragma once

#include <atomic>
#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/io_context.hpp>
#include <memory>
#include <thread>
#include <vector>

namespace dspex {

/// The I/O threads: each runs an io_context of its own, so a call that stays on one executor needs neither strand nor
/// lock. Nothing that blocks may run here. Thread-safe.
class IoPool {
 public:
  explicit IoPool(int threads);
  /// Stops and joins.
  ~IoPool();

  IoPool(const IoPool&) = delete;
  IoPool& operator=(const IoPool&) = delete;

  using Executor = boost::asio::io_context::executor_type;

  /// The executor for a new call: each thread's in turn.
  Executor Next();

  /// Ends the threads; what is still queued never runs. No call may be in flight. Idempotent.
  void Stop();

  int size() const { return static_cast<int>(threads_.size()); }

 private:
  struct Thread {
    boost::asio::io_context context{1};
    boost::asio::executor_work_guard<Executor> work{context.get_executor()};
    std::thread thread;
  };

  std::vector<std::unique_ptr<Thread>> threads_;
  std::atomic<unsigned> next_{0};
};

}  // namespace dspex
