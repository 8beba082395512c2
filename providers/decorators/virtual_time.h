#pragma once

#include <absl/base/thread_annotations.h>

#include <algorithm>
#include <boost/asio/io_context.hpp>
#include <boost/asio/this_coro.hpp>
#include <map>
#include <memory>
#include <optional>
#include <utility>

#include "engine/base/mutex.h"
#include "engine/base/time_source.h"
#include "engine/base/waiter.h"

namespace dspex {

/// For tests: time that stands still until it is moved. Sleepers wake in the order of their times.
class VirtualTime final : public TimeSource {
 public:
  explicit VirtualTime(TimePoint start = TimePoint(std::chrono::hours(1))) : now_(start) {}

  TimePoint Now() const override {
    MutexLock lock(&mutex_);
    return now_;
  }

  StatusTask SleepUntil(TimePoint time) override {
    const auto waiter = std::make_shared<Waiter>(co_await asio::this_coro::executor);
    if (!Add(time, waiter)) co_return absl::OkStatus();
    absl::Status ended = co_await waiter->Wait(kNoDeadline);
    Remove(waiter);
    co_return ended;
  }

  StatusTask WaitUntil(std::shared_ptr<Waiter> waiter, TimePoint deadline) override {
    if (deadline == kNoDeadline || waiter->woken()) {
      absl::Status ended = co_await waiter->Wait(kNoDeadline);
      co_return ended;
    }
    if (!Add(deadline, waiter)) co_return absl::DeadlineExceededError("the deadline passed before the wait");
    absl::Status ended = co_await waiter->Wait(kNoDeadline);
    const bool in_time = Remove(waiter);
    if (ended.ok() && !in_time) co_return absl::DeadlineExceededError("the deadline passed while waiting");
    co_return ended;
  }

  /// Moves on to `time`, and wakes who sleeps until then.
  void AdvanceTo(TimePoint time) {
    MutexLock lock(&mutex_);
    now_ = std::max(now_, time);
    while (!sleepers_.empty() && sleepers_.begin()->first <= now_) {
      sleepers_.begin()->second->Wake();
      sleepers_.erase(sleepers_.begin());
    }
  }
  void Advance(Clock::duration by) { AdvanceTo(Now() + by); }

  /// When the next sleeper wakes; nothing if nobody sleeps.
  std::optional<TimePoint> next() const {
    MutexLock lock(&mutex_);
    if (sleepers_.empty()) return std::nullopt;
    return sleepers_.begin()->first;
  }

  /// Runs what is ready, then moves on to the next sleeper's time, until nothing is ready and nobody sleeps.
  void Run(asio::io_context& io) {
    while (true) {
      io.restart();
      while (io.poll() > 0) {
      }
      const std::optional<TimePoint> time = next();
      if (!time.has_value()) return;
      AdvanceTo(*time);
    }
  }

 private:
  using Sleepers = std::multimap<TimePoint, std::shared_ptr<Waiter>>;

  // False if that time has come.
  bool Add(TimePoint time, const std::shared_ptr<Waiter>& waiter) {
    MutexLock lock(&mutex_);
    if (time <= now_) return false;
    sleepers_.emplace(time, waiter);
    return true;
  }

  // Of one that was cancelled or that another woke; false if its time had come.
  bool Remove(const std::shared_ptr<Waiter>& waiter) {
    MutexLock lock(&mutex_);
    return std::erase_if(sleepers_, [&waiter](const auto& sleeper) { return sleeper.second == waiter; }) > 0;
  }

  mutable Mutex mutex_;
  TimePoint now_ ABSL_GUARDED_BY(mutex_);
  Sleepers sleepers_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace dspex
