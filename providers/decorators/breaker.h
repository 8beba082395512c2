#pragma once

#include <absl/base/thread_annotations.h>
#include <absl/status/status.h>

#include <chrono>
#include <cstdint>
#include <memory>

#include "engine/base/mutex.h"
#include "engine/base/time_source.h"
#include "engine/lm/language_model.h"

namespace dspex {

/// Stops calls to an endpoint that fails, so that callers learn of it at once and the endpoint can recover. One for
/// each endpoint, shared by its models. Thread-safe.
///
/// Closed: calls pass; of the last `window` of them, once there are that many, `failure_percent` may not have failed,
/// or it opens. Open: calls are refused for `open_for`. Then half open: one call at a time passes; if it succeeds the
/// breaker closes and forgets, if it fails it opens again. (The pattern of M. Nygard's "Release It!".)
class Breaker {
 public:
  struct Options {
    /// At most 64.
    int window = 20;
    /// 0: it never opens.
    int failure_percent = 50;
    Clock::duration open_for = std::chrono::seconds(5);
  };

  /// `time` outlives the breaker.
  Breaker(Options options, TimeSource& time) : options_(options), time_(time) {}

  /// What became of a call that was let through.
  enum class Outcome { kSuccess, kFailure, kNeither };

  /// Asks for a call; each OK is answered by one Report. UNAVAILABLE / PROVIDER_CIRCUIT_OPEN with a RetryInfo of when
  /// to ask again.
  absl::Status Enter();
  void Report(Outcome outcome);

  /// Whether calls are refused now.
  bool open() const;

 private:
  void Open() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  void Note(bool failed) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);

  enum class State { kClosed, kOpen, kHalfOpen };

  const Options options_;
  TimeSource& time_;
  mutable Mutex mutex_;
  State state_ ABSL_GUARDED_BY(mutex_) = State::kClosed;
  /// The latest outcomes, a bit each, 1 for a failure, and how many there are.
  std::uint64_t outcomes_ ABSL_GUARDED_BY(mutex_) = 0;
  int count_ ABSL_GUARDED_BY(mutex_) = 0;
  TimePoint opened_until_ ABSL_GUARDED_BY(mutex_);
  bool probing_ ABSL_GUARDED_BY(mutex_) = false;
};

/// What an attempt says about its endpoint: a failure is what the endpoint is to blame for (overloaded, unreachable,
/// too slow, or an answer that is none). Errors that it has reason for (4xx, rate limits) are successes here; that the
/// caller went away or ran out of time says nothing.
Breaker::Outcome OutcomeOf(const absl::Status& status);

/// A model that asks `breaker` before each call to `inner`, and tells it what became of it. The breaker outlives it.
std::shared_ptr<lm::LanguageModel> NewBreaking(std::shared_ptr<lm::LanguageModel> inner, Breaker& breaker);

}  // namespace dspex
