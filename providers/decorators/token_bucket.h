#pragma once

#include "engine/base/task.h"
#include "engine/lm/rate_limits.h"

namespace dspex {

/// One limit of a provider: so much at once, and so much more each second. Until it is Set or has Observed a limit it
/// bounds nothing. Not thread-safe.
///
/// What asks for more than the bucket holds waits until it is full, and leaves a debt behind: nothing waits forever.
class TokenBucket {
 public:
  /// By configuration: a minute's worth at once. What is observed may lower it, but not raise it.
  void Set(double per_minute, TimePoint now);

  /// Learns from what the provider says. `uncounted` is what was taken since it counted what is left; only of the first
  /// word it matters: later the bucket has taken it.
  void Observe(const lm::RateLimit& said, double uncounted, TimePoint now);

  /// Empties it: the provider refused a call.
  void Drain(TimePoint now);

  void Refill(TimePoint now);

  bool known() const { return capacity_ > 0; }
  double capacity() const { return capacity_; }

  /// As of the last Refill: whether `amount` may go, and when it may once `ahead` has gone before it.
  bool Has(double amount) const;
  Clock::duration TimeTo(double amount, double ahead = 0) const;

  void Take(double amount) { level_ -= known() ? amount : 0; }
  void GiveBack(double amount);

 private:
  double configured_ = 0;
  double capacity_ = 0;
  /// A second.
  double rate_ = 0;
  double level_ = 0;
  TimePoint filled_at_;
};

}  // namespace dspex
