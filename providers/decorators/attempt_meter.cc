#include "providers/decorators/attempt_meter.h"

#include <absl/strings/ascii.h>

#include <utility>

#include "engine/base/error.h"
#include "engine/base/pricing.h"
#include "engine/lm/delta.h"
#include "engine/lm/error_usage.h"
#include "providers/decorators/decorator.h"
#include "providers/decorators/estimate.h"

namespace dspex {

namespace {

std::string Outcome(const absl::Status& status) {
  const std::string error_reason = ErrorReason(status);
  return error_reason.empty() ? "internal" : absl::AsciiStrToLower(error_reason);
}

/// Counts what passes.
class CountingSink final : public lm::DeltaSink {
 public:
  explicit CountingSink(lm::DeltaSink* to) : to_(to) {}

  StatusTask Take(lm::Delta delta) override {
    bytes_ += TextBytes(delta);
    return to_->Take(std::move(delta));
  }
  bool committed() const override { return to_->committed(); }

  std::size_t bytes() const { return bytes_; }

 private:
  lm::DeltaSink* const to_;
  std::size_t bytes_ = 0;
};

Usage UsageOfFailure(const absl::Status& error, const lm::Request& request, std::size_t came) {
  if (const std::optional<Usage> billed = lm::ErrorUsage(error); billed.has_value()) return *billed;
  if (came == 0 && !WasAborted(error)) return {};
  return {.input_tokens = EstimateInput(request), .output_tokens = EstimateTokens(came), .estimated = true};
}

// A count of zero, where there was something to count, is that of a provider that does not count.
Usage UsageOfAnswer(const lm::Response& response, const lm::Request& request) {
  Usage usage = response.usage;
  usage.lm_calls = 1;
  if (usage.input_tokens == 0) {
    usage.input_tokens = EstimateInput(request);
    usage.estimated = true;
  }
  if (usage.output_tokens == 0) {
    usage.output_tokens = EstimateOutput(response);
    usage.estimated = usage.estimated || usage.output_tokens > 0;
  }
  return usage;
}

class AttemptMeter final : public Decorator {
 public:
  AttemptMeter(std::shared_ptr<lm::LanguageModel> inner, AttemptObserver& observer, std::optional<Price> price)
      : Decorator(std::move(inner)), observer_(observer), price_(std::move(price)) {}

  Task<lm::Response> Generate(RequestContext context, const lm::Request& request) override {
    CountingSink sink(context.deltas());
    RequestContext counted = context;
    if (context.deltas() != nullptr) counted.set_deltas(&sink);
    if (context.attempts() != nullptr) context.attempts()->Note();
    const TimePoint begin = Clock::now();
    absl::StatusOr<lm::Response> response = co_await inner().Generate(counted, request);
    const TimePoint end = Clock::now();
    context.record().attempts.emplace_back(begin, end);
    Usage usage =
        response.ok() ? UsageOfAnswer(*response, request) : UsageOfFailure(response.status(), request, sink.bytes());
    usage.cost = Cost(context.record().pricing.get(), usage);
    context.record().charged.Add(usage);
    if (response.ok()) response->usage = usage;
    const std::string outcome = response.ok() ? "ok" : Outcome(response.status());
    observer_.OnAttempt({provider(), model(), outcome, usage, end - begin});
    co_return response;
  }

 private:
  Money Cost(const Pricing* in_place, const Usage& usage) const {
    if (in_place != nullptr) return in_place->Cost(name(), usage).value_or(Money());
    return price_.has_value() ? CostOf(usage, *price_) : Money();
  }

  AttemptObserver& observer_;
  const std::optional<Price> price_;
};

}  // namespace

std::shared_ptr<lm::LanguageModel> NewAttemptMeter(std::shared_ptr<lm::LanguageModel> inner, AttemptObserver& observer,
                                                   std::optional<Price> price) {
  return std::make_shared<AttemptMeter>(std::move(inner), observer, std::move(price));
}

}  // namespace dspex
