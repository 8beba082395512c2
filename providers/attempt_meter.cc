#include "providers/attempt_meter.h"

#include <absl/strings/ascii.h>

#include <utility>

#include "engine/base/error.h"
#include "providers/decorators/decorator.h"

namespace dspex {

namespace {

std::string Outcome(const absl::Status& status) {
  const std::string error_reason = ErrorReason(status);
  return error_reason.empty() ? "internal" : absl::AsciiStrToLower(error_reason);
}

class AttemptMeter final : public Decorator {
 public:
  AttemptMeter(std::shared_ptr<lm::LanguageModel> inner, AttemptObserver& observer)
      : Decorator(std::move(inner)), observer_(observer) {}

  Task<lm::Response> Generate(RequestContext context, const lm::Request& request) override {
    const TimePoint begin = Clock::now();
    absl::StatusOr<lm::Response> response = co_await inner().Generate(context, request);
    const TimePoint end = Clock::now();
    context.record().attempts.emplace_back(begin, end);
    if (response.ok()) {
      observer_.OnAttempt({provider(), model(), "ok", response->usage, end - begin});
    } else {
      const std::string outcome = Outcome(response.status());
      observer_.OnAttempt({provider(), model(), outcome, {}, end - begin});
    }
    co_return response;
  }

 private:
  AttemptObserver& observer_;
};

}  // namespace

std::shared_ptr<lm::LanguageModel> NewAttemptMeter(std::shared_ptr<lm::LanguageModel> inner,
                                                   AttemptObserver& observer) {
  return std::make_shared<AttemptMeter>(std::move(inner), observer);
}

}  // namespace dspex
