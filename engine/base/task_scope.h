#pragma once

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/cancellation_signal.hpp>
#include <memory>

#include "engine/base/task.h"

namespace dspex {

/// A task that a TaskScope has started. Thread-safe; may outlive both.
class RunningTask : public std::enable_shared_from_this<RunningTask> {
 public:
  explicit RunningTask(asio::any_io_executor executor);

  /// Cancels the task if it has not ended.
  void Cancel();

 private:
  friend class TaskScope;

  const asio::any_io_executor executor_;
  // Both touched on the executor only. The task may be cancelled before it has begun.
  asio::cancellation_signal signal_;
  bool cancelled_ = false;
};

/// Owns work that outlives the call that began it: jobs, leaders of shared calls, workers, background refreshes.
/// Belongs to the server, which cancels and joins it at drain. Thread-safe; must be joined before it dies.
class TaskScope {
 public:
  TaskScope();
  ~TaskScope();

  /// Starts `task` on `executor`, which must be single-threaded or a strand; if the caller is there, the task runs to
  /// its first wait before this returns. Nobody is told how it ended; an exception ends it, too. Null, and nothing has
  /// started, once CancelAll was called.
  std::shared_ptr<RunningTask> Spawn(const asio::any_io_executor& executor, StatusTask task);

  /// Cancels what runs and refuses what comes.
  void CancelAll();

  /// Blocks until nothing runs; false if that was not so by `deadline`. Never called on an executor's thread.
  bool Join(TimePoint deadline);

 private:
  struct State;
  std::shared_ptr<State> state_;
};

}  // namespace dspex
