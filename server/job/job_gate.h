#pragma once

#include <absl/status/status.h>

#include <functional>
#include <utility>

#include "engine/base/time_source.h"
#include "engine/evaluate/evaluator.h"
#include "engine/evaluate/obstacle.h"

namespace dspex {

/// Where a job waits for what is in its way: from a second on, each time twice as long, up to a minute, and never less
/// than the obstacle asks for. Everything of the job that meets one waits for the same moment; then it is tried again.
/// Confined to one executor.
class JobGate final : public ObstacleGate {
 public:
  /// `on_change` hears when the job begins to wait (with the obstacle) and when it gets on (with OK). `time` outlives
  /// the gate.
  JobGate(TimeSource& time, std::function<void(const absl::Status&)> on_change)
      : time_(time), on_change_(std::move(on_change)) {}

  StatusTask Wait(absl::Status obstacle) override;
  void Passed() override;

  /// Waits while something is in the way: nothing is sent that could not be kept.
  StatusTask Open();

 private:
  StatusTask Sleep();

  TimeSource& time_;
  const std::function<void(const absl::Status&)> on_change_;
  bool waiting_ = false;
  int obstacles_ = 0;
  TimePoint opens_ = TimePoint::min();
};

/// Writes down what was paid for or found, which is not given up for want of room: `write`, which returns a StatusTask,
/// is called until its error is no obstacle any more. `gate` outlives the task.
template <typename Write>
StatusTask KeepWhenThereIsRoom(JobGate& gate, Write write) {
  while (true) {
    absl::Status kept = co_await write();
    if (kept.ok() || BlameFor(kept) != Blame::kObstacle) co_return kept;
    const absl::Status waited = co_await gate.Wait(std::move(kept));
    if (!waited.ok()) co_return waited;
  }
}

}  // namespace dspex
