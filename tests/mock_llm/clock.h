#pragma once

#include <absl/time/clock.h>
#include <absl/time/time.h>

#include <boost/asio/steady_timer.hpp>
#include <cstddef>
#include <map>
#include <optional>

namespace dspex::mock_llm {

/// The time of rate limits and latencies: the machine's, or a test's own.
class Clock {
 public:
  absl::Time Now() const { return driven_.has_value() ? *driven_ : absl::Now(); }

  /// Moves it on, and wakes who sleeps until then. From the first such call on it moves by these calls only.
  void Advance(absl::Duration by) {
    driven_ = Now() + by;
    for (auto sleeper = sleepers_.begin(); sleeper != sleepers_.end() && sleeper->first <= *driven_; ++sleeper) {
      sleeper->second->cancel();
    }
  }
  bool driven() const { return driven_.has_value(); }

  /// Back to the machine's time.
  void Reset() { driven_.reset(); }

  /// While it lives, `timer` is cancelled when a driven clock has moved on by `duration`.
  class Sleep {
   public:
    Sleep(Clock& clock, absl::Duration duration, boost::asio::steady_timer& timer)
        : clock_(clock), place_(clock.sleepers_.emplace(clock.Now() + duration, &timer)) {}
    ~Sleep() { clock_.sleepers_.erase(place_); }

    Sleep(const Sleep&) = delete;
    Sleep& operator=(const Sleep&) = delete;

   private:
    Clock& clock_;
    std::multimap<absl::Time, boost::asio::steady_timer*>::iterator place_;
  };

  /// How many sleep, and until when the first does.
  std::size_t sleeping() const { return sleepers_.size(); }
  std::optional<absl::Time> next() const {
    return sleepers_.empty() ? std::nullopt : std::optional(sleepers_.begin()->first);
  }

 private:
  std::optional<absl::Time> driven_;
  std::multimap<absl::Time, boost::asio::steady_timer*> sleepers_;
};

}  // namespace dspex::mock_llm
