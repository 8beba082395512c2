#include "providers/attempt_meter.h"

#include <absl/strings/ascii.h>

#include <utility>

#include "engine/base/error.h"

namespace dspex {

namespace {

std::string Outcome(const absl::Status& status) {
  const std::string error_reason = ErrorReason(status);
  return error_reason.empty() ? "internal" : absl::AsciiStrToLower(error_reason);
}

class AttemptMeter final : public lm::LanguageModel {
 public:
  AttemptMeter(std::shared_ptr<lm::LanguageModel> inner, AttemptObserver& observer)
      : inner_(std::move(inner)), observer_(observer) {
    const std::size_t slash = inner_->name().find('/');
    provider_ = inner_->name().substr(0, slash);
    model_ = inner_->name().substr(slash + 1);
  }

  Task<lm::Response> Generate(RequestContext context, const lm::Request& request) override {
    const TimePoint begin = Clock::now();
    absl::StatusOr<lm::Response> response = co_await inner_->Generate(context, request);
    const TimePoint end = Clock::now();
    context.record().attempts.emplace_back(begin, end);
    if (response.ok()) {
      observer_.OnAttempt({provider_, model_, "ok", response->usage, end - begin});
    } else {
      const std::string outcome = Outcome(response.status());
      observer_.OnAttempt({provider_, model_, outcome, {}, end - begin});
    }
    co_return response;
  }

  absl::StatusOr<lm::RenderedRequest> Render(const lm::Request& request) const override {
    return inner_->Render(request);
  }
  const std::string& name() const override { return inner_->name(); }
  lm::Capabilities capabilities() const override { return inner_->capabilities(); }

 private:
  const std::shared_ptr<lm::LanguageModel> inner_;
  AttemptObserver& observer_;
  std::string provider_;
  std::string model_;
};

}  // namespace

std::shared_ptr<lm::LanguageModel> NewAttemptMeter(std::shared_ptr<lm::LanguageModel> inner,
                                                   AttemptObserver& observer) {
  return std::make_shared<AttemptMeter>(std::move(inner), observer);
}

}  // namespace dspex
