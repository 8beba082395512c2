#pragma once

#include <absl/base/thread_annotations.h>
#include <absl/status/status.h>
#include <absl/strings/string_view.h>

#include <array>
#include <chrono>
#include <cstddef>
#include <memory>
#include <optional>
#include <string>

#include "engine/base/mutex.h"
#include "engine/base/task.h"
#include "engine/base/time_source.h"
#include "engine/lm/rate_limits.h"
#include "providers/decorators/fair_queue.h"
#include "providers/decorators/token_bucket.h"

namespace dspex {

/// Keeps calls to an endpoint within its limits on requests and tokens, so that they wait here in fair order instead of
/// being refused there. One for each endpoint. Thread-safe; outlives its grants.
///
/// Limits come from the configuration and from what the provider says. While neither is known it probes: few calls at a
/// time, twice as many with each success that names no limits, half as many when the provider refuses one. As answers
/// may take minutes, it also doubles after each `probe_step` that calls wait, until there is a call for each connection
/// or the provider refuses one.
class Limiter {
 public:
  struct Options {
    /// 0: not limited by configuration.
    long long requests_per_minute = 0;
    long long tokens_per_minute = 0;
    /// Calls at a time while nothing is known; 0: any number.
    int first_in_flight = 8;
    Clock::duration probe_step = std::chrono::milliseconds(50);
    /// As far as time alone widens the probe. More calls would only wait for a connection, and could not be held back
    /// once a limit is known.
    int connections = 256;
    /// Calls that may wait; more are refused.
    std::size_t max_waiting = 10'000;
  };

  struct Tokens {
    long long input = 0;
    long long output = 0;
  };

  /// Leave for one call. Gives back all that it reserved when it dies without having been settled: nothing was sent.
  class Grant {
   public:
    Grant() = default;
    Grant(Limiter* limiter, const Amounts& reserved, const Amounts& taken)
        : limiter_(limiter), reserved_(reserved), taken_(taken) {}
    Grant(Grant&& other) noexcept;
    Grant& operator=(Grant&& other) noexcept;
    ~Grant();

    /// What all calls had taken when this one was let go.
    const Amounts& taken() const { return taken_; }

   private:
    friend class Limiter;
    Limiter* limiter_ = nullptr;
    Amounts reserved_{};
    Amounts taken_{};
  };

  /// `time` outlives the limiter.
  Limiter(Options options, TimeSource& time);

  /// Leave for a call that may go at once and passes nobody who waits; otherwise Acquire it.
  std::optional<Grant> TryAcquire(Tokens expected);

  /// Waits until a call of so many tokens may go, in turn. RESOURCE_EXHAUSTED / PROVIDER_LIMIT_REACHED with a RetryInfo
  /// when that is not by the deadline: at once, if the limits and those who wait already say so, for the deadline or
  /// for `wanted_until` (RequestContext). DEADLINE_EXCEEDED (metadata: where) when it is the probe that held the call
  /// until then. CANCELLED if the coroutine is.
  Task<Grant> Acquire(std::string tenant, Tokens expected, TimePoint deadline, TimePoint wanted_until = kNoDeadline);

  /// Corrects what was reserved by what a call used, which may be more.
  void Settle(Grant grant, Tokens used);

  /// Learns from an answer: the limits that it names, or that it names none. `taken` is its grant's: what was taken
  /// later is not counted in what the provider says is left.
  void Observe(const std::optional<lm::RateLimits>& said, const Amounts& taken = {});

  /// Learns from a refusal (429), and the limits that it names.
  void ObserveRefusal(const std::optional<lm::RateLimits>& said, const Amounts& taken = {});

  /// Lets nothing go for a while: the provider asked for it.
  void Pause(Clock::duration duration);

  std::size_t waiting() const;

 private:
  using Ticket = FairQueue::Ticket;
  /// When a call may go, and what it waits for until then.
  struct Forecast {
    Clock::duration wait{};
    absl::string_view limit;
  };

  void Take(const Amounts& need) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  void Heed(const lm::RateLimits& said, const Amounts& taken, TimePoint now) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  bool Probing() const ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  bool ProbeIsFull() const ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  bool WidensWithTime() const ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  void WidenProbe(TimePoint now) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  bool MayGo(const Amounts& need, TimePoint now) const ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  Forecast Foresee(const Amounts& need, const Amounts& ahead, TimePoint now) const
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  double CostOf(const Amounts& need) const ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  absl::Status Refusal(const Amounts& need, const std::string& tenant, TimePoint now) const
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  absl::Status Enqueue(const std::shared_ptr<Ticket>& ticket, TimePoint deadline);
  std::optional<TimePoint> Prepare(const std::shared_ptr<Ticket>& ticket, std::shared_ptr<Waiter> waiter,
                                   TimePoint deadline);
  absl::Status Leave(const Ticket& ticket);
  void Refill(TimePoint now) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  void Pump(TimePoint now) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  void Changed(TimePoint now) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  void End(const Amounts& reserved, const Amounts& used);

  const Options options_;
  TimeSource& time_;
  mutable Mutex mutex_;
  std::array<TokenBucket, kLimitKinds> buckets_ ABSL_GUARDED_BY(mutex_);
  FairQueue queue_ ABSL_GUARDED_BY(mutex_);
  TimePoint paused_until_ ABSL_GUARDED_BY(mutex_);
  /// What all that were ever let go reserved, and how many of them have not ended.
  Amounts taken_ ABSL_GUARDED_BY(mutex_){};
  int in_flight_ ABSL_GUARDED_BY(mutex_) = 0;
  /// While probing.
  int max_in_flight_ ABSL_GUARDED_BY(mutex_);
  /// Since when calls have waited because of that; nothing while none does.
  std::optional<TimePoint> full_since_ ABSL_GUARDED_BY(mutex_);
  bool refused_ ABSL_GUARDED_BY(mutex_) = false;
};

}  // namespace dspex
