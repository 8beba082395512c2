#include "server/job/job_gate.h"

#include <algorithm>
#include <chrono>
#include <utility>

#include "engine/base/error.h"

namespace dspex {

namespace {

constexpr Clock::duration kFirstWait = std::chrono::seconds(1);
constexpr Clock::duration kLongestWait = std::chrono::minutes(1);

Clock::duration Backoff(int obstacles) {
  Clock::duration wait = kFirstWait;
  for (int i = 1; i < obstacles && wait < kLongestWait; ++i) wait *= 2;
  return std::min(wait, kLongestWait);
}

}  // namespace

StatusTask JobGate::Wait(absl::Status obstacle) {
  const TimePoint now = time_.Now();
  // Of what was under way together only the first makes the wait longer.
  if (now >= opens_) {
    Clock::duration wait = Backoff(++obstacles_);
    if (const auto asked = ErrorRetryDelay(obstacle)) wait = std::max<Clock::duration>(wait, *asked);
    opens_ = now + wait;
  }
  if (!std::exchange(waiting_, true)) on_change_(obstacle);
  return Sleep();
}

StatusTask JobGate::Open() { return Sleep(); }

StatusTask JobGate::Sleep() {
  while (time_.Now() < opens_) {
    const absl::Status slept = co_await time_.SleepUntil(opens_);
    if (!slept.ok()) co_return slept;
  }
  co_return absl::OkStatus();
}

void JobGate::Passed() {
  if (!std::exchange(waiting_, false)) return;
  obstacles_ = 0;
  on_change_(absl::OkStatus());
}

}  // namespace dspex
