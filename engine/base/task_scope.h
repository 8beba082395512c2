#pragma once

#include <absl/base/thread_annotations.h>

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/cancellation_signal.hpp>
#include <functional>
#include <list>
#include <memory>
#include <string>

#include "engine/base/task.h"

namespace dspex {

/// Owns work that outlives the call that began it: jobs, leaders of shared calls, workers, background refreshes.
/// Belongs to the server, which cancels and joins it at drain. Thread-safe; must be joined before it dies.
class TaskScope {
 public:
  TaskScope();
  ~TaskScope();

  /// Starts `body` on `executor`, which must be single-threaded or a strand. Its error goes to `on_end` (on that
  /// executor), if there is one. Returns false, having started nothing, once CancelAll was called.
  bool Spawn(asio::any_io_executor executor, std::function<StatusTask()> body,
             std::function<void(absl::Status)> on_end = nullptr);

  /// Cancels what runs and refuses what comes.
  void CancelAll();

  /// Blocks until nothing runs; false if that was not so by `deadline`. Never called on an executor's thread.
  bool Join(TimePoint deadline);

 private:
  struct State;
  std::shared_ptr<State> state_;
};

}  // namespace dspex
