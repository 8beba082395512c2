#include "providers/decorators/rate_limited.h"

#include <optional>
#include <utility>

#include "engine/base/error.h"
#include "engine/base/reasons.h"
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
    if (response.ok()) {
      Succeeded(*std::move(grant), *response, expected);
    } else {
      Failed(*std::move(grant), response.status(), expected);
    }
    co_return response;
  }

 private:
  // Settled first: what the provider says is left is then the last word.
  void Succeeded(Limiter::Grant grant, const lm::Response& response, Limiter::Tokens expected) {
    Limiter::Tokens used{response.usage.input_tokens, response.usage.output_tokens};
    if (used.input == 0 && used.output == 0) used = {expected.input, EstimateOutput(response)};
    limiter_.Settle(std::move(grant), used);
    limiter_.Observe(response.rate_limits);
  }

  void Failed(Limiter::Grant grant, const absl::Status& error, Limiter::Tokens expected) {
    const std::string why = ErrorReason(error);
    const bool refused = why == reason::kProviderRateLimited;
    if (const std::optional<Usage> billed = lm::ErrorUsage(error); billed.has_value()) {
      limiter_.Settle(std::move(grant), {billed->input_tokens, billed->output_tokens});
    } else if (!WasNotSent(error)) {
      // Providers count refused requests, but not their tokens.
      limiter_.Settle(std::move(grant), {refused ? 0 : expected.input, 0});
    }
    if (refused) limiter_.ObserveRefusal();
    if (!refused && why != reason::kProviderOverloaded) return;
    if (const auto delay = ErrorRetryDelay(error); delay.has_value()) limiter_.Pause(*delay);
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
