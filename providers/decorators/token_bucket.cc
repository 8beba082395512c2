#include "providers/decorators/token_bucket.h"

#include <algorithm>
#include <cmath>

namespace dspex {

namespace {

using Seconds = std::chrono::duration<double>;

// What rounding may take from a level.
constexpr double kSlack = 1e-6;
constexpr Seconds kMinute{60};
// Of waits: longer ones would only overflow.
constexpr Seconds kLongest{24 * 3600};

}  // namespace

void TokenBucket::Set(double per_minute, TimePoint now) {
  configured_ = per_minute;
  capacity_ = per_minute;
  rate_ = per_minute / kMinute.count();
  level_ = per_minute;
  filled_at_ = now;
}

void TokenBucket::Observe(const lm::RateLimit& said, double uncounted, TimePoint now) {
  Refill(now);
  const double limit = static_cast<double>(said.limit.value_or(0));
  const double remaining = said.remaining.has_value() ? static_cast<double>(*said.remaining) : limit;
  const bool was_known = known();
  if (limit > 0) {
    capacity_ = configured_ > 0 ? std::min(limit, configured_) : limit;
    rate_ = capacity_ / kMinute.count();
    // Limits are by the minute, but for some that take longer to fill: by the day.
    const Seconds reset = said.reset.value_or(Clock::duration::zero());
    if (reset > kMinute && remaining < limit) rate_ = std::min(rate_, (limit - remaining) / reset.count());
  }
  if (!was_known) {
    level_ = std::min(capacity_, remaining) - uncounted;
    filled_at_ = now;
  } else if (said.limit.has_value() || said.remaining.has_value()) {
    // Only downward: what was taken here and has not arrived there is not in `remaining`.
    level_ = std::min({level_, capacity_, remaining});
  }
}

void TokenBucket::Drain(TimePoint now) {
  Refill(now);
  level_ = std::min(level_, 0.0);
}

void TokenBucket::Refill(TimePoint now) {
  if (now <= filled_at_) return;
  level_ = std::min(capacity_, level_ + rate_ * Seconds(now - filled_at_).count());
  filled_at_ = now;
}

bool TokenBucket::Has(double amount) const { return !known() || level_ + kSlack >= std::min(amount, capacity_); }

Clock::duration TokenBucket::TimeTo(double amount, double ahead) const {
  if (!known() || amount == 0) return Clock::duration::zero();
  const double missing = ahead + std::min(amount, capacity_) - level_;
  if (missing <= kSlack) return Clock::duration::zero();
  return std::chrono::ceil<Clock::duration>(std::min(Seconds(missing / rate_), kLongest));
}

void TokenBucket::GiveBack(double amount) {
  if (known()) level_ = std::min(capacity_, level_ + amount);
}

}  // namespace dspex
