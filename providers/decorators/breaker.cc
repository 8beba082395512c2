#include "providers/decorators/breaker.h"

#include <absl/strings/str_cat.h>

#include <algorithm>
#include <bit>
#include <utility>

#include "engine/base/error.h"
#include "engine/base/reasons.h"
#include "providers/decorators/decorator.h"

namespace dspex {

namespace {

/// Reports an outcome when it dies: a coroutine that is destroyed has none.
class Entered {
 public:
  explicit Entered(Breaker& breaker) : breaker_(breaker) {}
  ~Entered() { breaker_.Report(outcome_); }
  Entered(const Entered&) = delete;
  Entered& operator=(const Entered&) = delete;

  void set_outcome(Breaker::Outcome outcome) { outcome_ = outcome; }

 private:
  Breaker& breaker_;
  Breaker::Outcome outcome_ = Breaker::Outcome::kNeither;
};

class Breaking final : public Decorator {
 public:
  Breaking(std::shared_ptr<lm::LanguageModel> inner, Breaker& breaker)
      : Decorator(std::move(inner)), breaker_(breaker) {}

  Task<lm::Response> Generate(RequestContext context, const lm::Request& request) override {
    if (absl::Status status = breaker_.Enter(); !status.ok()) {
      status = WithMetadata(std::move(status), "provider", provider());
      co_return WithMetadata(std::move(status), "model", model());
    }
    Entered entered(breaker_);
    absl::StatusOr<lm::Response> response = co_await inner().Generate(context, request);
    entered.set_outcome(Outcome(response.status(), context));
    co_return response;
  }

 private:
  // That the caller ran out of time says nothing; that the endpoint used up its share of it does.
  static Breaker::Outcome Outcome(const absl::Status& status, const RequestContext& context) {
    if (!status.ok() && context.has_share() && ErrorReason(status) == reason::kDeadlineExceeded)
      return Breaker::Outcome::kFailure;
    return OutcomeOf(status);
  }

  Breaker& breaker_;
};

}  // namespace

absl::Status Breaker::Enter() {
  if (options_.failure_percent == 0) return absl::OkStatus();
  MutexLock lock(&mutex_);
  if (state_ == State::kClosed) return absl::OkStatus();
  const TimePoint now = time_.Now();
  if (now >= opened_until_ && !probing_) {
    state_ = State::kHalfOpen;
    probing_ = true;
    return absl::OkStatus();
  }
  const auto wait = std::max<Clock::duration>(opened_until_ - now, std::chrono::milliseconds(1));
  return Error(absl::StatusCode::kUnavailable, reason::kProviderCircuitOpen,
               "The provider failed too often of late, so it is not asked for a while. Try again later.")
      .RetryAfter(std::chrono::ceil<std::chrono::milliseconds>(wait));
}

void Breaker::Report(Outcome outcome) {
  if (options_.failure_percent == 0) return;
  MutexLock lock(&mutex_);
  switch (state_) {
    case State::kClosed:
      if (outcome != Outcome::kNeither) Note(outcome == Outcome::kFailure);
      return;
    case State::kHalfOpen:
      // Calls from before it opened end late; the first to end now decides, as it knows as much.
      probing_ = false;
      if (outcome == Outcome::kFailure) Open();
      if (outcome == Outcome::kSuccess) state_ = State::kClosed;
      return;
    case State::kOpen:
      return;
  }
}

bool Breaker::open() const {
  MutexLock lock(&mutex_);
  return state_ != State::kClosed;
}

void Breaker::Open() {
  state_ = State::kOpen;
  opened_until_ = time_.Now() + options_.open_for;
  outcomes_ = 0;
  count_ = 0;
}

void Breaker::Note(bool failed) {
  const std::uint64_t mask = options_.window >= 64 ? ~std::uint64_t{0} : (std::uint64_t{1} << options_.window) - 1;
  outcomes_ = ((outcomes_ << 1) | (failed ? 1 : 0)) & mask;
  count_ = std::min(count_ + 1, options_.window);
  if (count_ == options_.window && std::popcount(outcomes_) * 100 >= options_.failure_percent * options_.window) Open();
}

Breaker::Outcome OutcomeOf(const absl::Status& status) {
  if (status.ok()) return Breaker::Outcome::kSuccess;
  const std::string why = ErrorReason(status);
  if (why == reason::kProviderOverloaded || why == reason::kProviderUnreachable || why == reason::kProviderTimeout ||
      why == reason::kProviderMalformed) {
    return Breaker::Outcome::kFailure;
  }
  if (absl::IsCancelled(status) || why.empty() || why == reason::kCancelled || why == reason::kDeadlineExceeded) {
    return Breaker::Outcome::kNeither;
  }
  return Breaker::Outcome::kSuccess;
}

std::shared_ptr<lm::LanguageModel> NewBreaking(std::shared_ptr<lm::LanguageModel> inner, Breaker& breaker) {
  return std::make_shared<Breaking>(std::move(inner), breaker);
}

}  // namespace dspex
