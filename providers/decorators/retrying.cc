#include "providers/decorators/retrying.h"

#include <absl/strings/str_cat.h>

#include <algorithm>
#include <optional>
#include <utility>

#include "engine/base/error.h"
#include "engine/base/reasons.h"
#include "engine/lm/delta.h"
#include "providers/decorators/decorator.h"

namespace dspex {

namespace {

class Retrying final : public Decorator {
 public:
  Retrying(std::shared_ptr<lm::LanguageModel> inner, RetryOptions options, RetryBudget& budget, TimeSource& time,
           std::function<double()> random)
      : Decorator(std::move(inner)), options_(options), budget_(budget), time_(time), random_(std::move(random)) {}

  Task<lm::Response> Generate(RequestContext context, const lm::Request& request) override {
    budget_.Deposit();
    for (int attempt = 1;; ++attempt) {
      absl::StatusOr<lm::Response> response = co_await inner().Generate(context, request);
      if (response.ok()) {
        response->attempts = attempt;
        co_return response;
      }
      const std::optional<TimePoint> next = NextTry(attempt, response.status(), context);
      if (!next.has_value()) co_return WithMetadata(response.status(), "attempts", absl::StrCat(attempt));
      const TimePoint begin = time_.Now();
      absl::Status slept = co_await time_.SleepUntil(*next);
      context.record().queued += time_.Now() - begin;
      if (!slept.ok()) co_return slept;
    }
  }

 private:
  // When to try again; nothing if the error is to stand.
  std::optional<TimePoint> NextTry(int attempt, const absl::Status& error, const RequestContext& context) const {
    if (attempt >= options_.max_attempts || !IsRetryable(error)) return std::nullopt;
    if (context.attempts() != nullptr && context.attempts()->spent()) return std::nullopt;
    // The receiver has the beginning of this answer: it cannot be given that of another.
    if (context.deltas() != nullptr && context.deltas()->committed()) return std::nullopt;
    Clock::duration bound = options_.base_delay;
    for (int i = 1; i < attempt && bound < options_.max_delay; ++i) bound *= 2;
    bound = std::min(bound, options_.max_delay);
    auto delay = std::chrono::duration_cast<Clock::duration>(bound * random_());
    if (const auto told = ErrorRetryDelay(error); told.has_value()) delay = std::max<Clock::duration>(delay, *told);
    const TimePoint now = time_.Now();
    const TimePoint deadline = context.wanted_until();
    if (deadline != kNoDeadline && delay >= deadline - now) return std::nullopt;
    // Asked last: what is not used is not taken.
    const bool is_first_refusal = attempt == 1 && ErrorReason(error) == reason::kProviderRateLimited;
    if (!is_first_refusal && !budget_.TryWithdraw()) return std::nullopt;
    return now + delay;
  }

  const RetryOptions options_;
  RetryBudget& budget_;
  TimeSource& time_;
  const std::function<double()> random_;
};

}  // namespace

bool IsRetryable(const absl::Status& status) {
  const std::string why = ErrorReason(status);
  return why == reason::kProviderRateLimited || why == reason::kProviderOverloaded ||
         why == reason::kProviderUnreachable || why == reason::kProviderTimeout;
}

std::shared_ptr<lm::LanguageModel> NewRetrying(std::shared_ptr<lm::LanguageModel> inner, RetryOptions options,
                                               RetryBudget& budget, TimeSource& time, std::function<double()> random) {
  return std::make_shared<Retrying>(std::move(inner), options, budget, time, std::move(random));
}

}  // namespace dspex
