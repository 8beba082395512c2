#include "providers/decorators/rate_limited.h"

#include <optional>
#include <utility>

#include "engine/base/error.h"
#include "engine/base/reasons.h"
#include "engine/lm/error_rate_limits.h"
#include "engine/lm/error_usage.h"
#include "providers/decorators/decorator.h"
#include "providers/decorators/estimate.h"

namespace dspex {

namespace {

class RateLimited final : public Decorator {
 public:
  RateLimited(std::shared_ptr<lm::LanguageModel> inner, Limiter& limiter, TimeSource& time)
      : Decorator(std::move(inner)), limiter_(limiter), time_(time) {}

  Task<lm::Response> Generate(RequestContext context, const lm::Request& request) override {
    const Limiter::Tokens expected{EstimateInput(request), OutputLimit(request)};
    std::optional<Limiter::Grant> grant = limiter_.TryAcquire(expected);
    if (!grant.has_value()) {
      const TimePoint begin = time_.Now();
      absl::StatusOr<Limiter::Grant> waited =
          co_await limiter_.Acquire(context.record().tenant, expected, context.deadline(), context.wanted_until());
      context.record().queued += time_.Now() - begin;
      if (!waited.ok()) {
        absl::Status status = WithMetadata(waited.status(), "provider", provider());
        co_return WithMetadata(std::move(status), "model", model());
      }
      grant = *std::move(waited);
    }
    absl::StatusOr<lm::Response> response = co_await inner().Generate(context, request);
    if (!response.ok()) co_return Failed(*std::move(grant), response.status(), expected);
    Succeeded(*std::move(grant), *response);
    co_return response;
  }

 private:
  // Settled first: what the provider says is left is then the last word.
  void Succeeded(Limiter::Grant grant, const lm::Response& response) {
    const Amounts taken = grant.taken();
    limiter_.Settle(std::move(grant), {response.usage.input_tokens, response.usage.output_tokens});
    limiter_.Observe(response.rate_limits == nullptr ? std::nullopt : std::optional(*response.rate_limits), taken);
  }

  // Returns the error as it is passed on.
  absl::Status Failed(Limiter::Grant grant, absl::Status error, Limiter::Tokens expected) {
    const std::optional<lm::RateLimits> said = lm::TakeRateLimits(error);
    const std::string why = ErrorReason(error);
    const bool refused = why == reason::kProviderRateLimited;
    const Amounts taken = grant.taken();
    if (const std::optional<Usage> billed = lm::ErrorUsage(error); billed.has_value()) {
      limiter_.Settle(std::move(grant), {billed->input_tokens, billed->output_tokens});
    } else if (!WasNotSent(error)) {
      // Providers count refused requests, but not their tokens.
      limiter_.Settle(std::move(grant), {refused ? 0 : expected.input, 0});
    }
    if (refused) limiter_.ObserveRefusal(said, taken);
    const std::optional<std::chrono::milliseconds> delay = ErrorRetryDelay(error);
    if (delay.has_value() && (refused || why == reason::kProviderOverloaded)) limiter_.Pause(*delay);
    return error;
  }

  Limiter& limiter_;
  TimeSource& time_;
};

}  // namespace

std::shared_ptr<lm::LanguageModel> NewRateLimited(std::shared_ptr<lm::LanguageModel> inner, Limiter& limiter,
                                                  TimeSource& time) {
  return std::make_shared<RateLimited>(std::move(inner), limiter, time);
}

}  // namespace dspex
