#include "providers/decorators/fallback.h"

#include <absl/strings/numbers.h>
#include <absl/strings/str_cat.h>

#include <algorithm>
#include <optional>
#include <utility>

#include "engine/base/error.h"
#include "engine/base/reasons.h"
#include "engine/lm/delta.h"
#include "providers/decorators/several.h"

namespace dspex {

namespace {

class Fallback final : public Several {
 public:
  Fallback(std::vector<std::shared_ptr<lm::LanguageModel>> chain, FallbackOptions options, TimeSource& time)
      : Several(std::move(chain)), options_(options), time_(time) {}

  Task<lm::Response> Generate(RequestContext context, const lm::Request& request) override {
    AttemptBudget budget(options_.max_attempts);
    if (context.attempts() == nullptr) context.set_attempts(&budget);
    int tries = 0;
    for (std::size_t entry = 0;; ++entry) {
      RequestContext part = context;
      if (const auto share = ShareOf(entry, context); share.has_value()) part.NarrowToShare(*share);
      absl::StatusOr<lm::Response> response = co_await at(entry).Generate(part, request);
      if (response.ok()) {
        response->entry = static_cast<int>(entry);
        response->attempts += tries;
        co_return response;
      }
      tries += TriesOf(response.status());
      if (!GoesOn(entry, response.status(), context)) {
        co_return WithMetadata(response.status(), "attempts", absl::StrCat(tries));
      }
    }
  }

 private:
  // Until when an entry may take; nothing for the last one, which has what is left.
  std::optional<TimePoint> ShareOf(std::size_t entry, const RequestContext& context) const {
    const TimePoint deadline = context.wanted_until();
    if (deadline == kNoDeadline || entry + 1 == count()) return std::nullopt;
    const TimePoint now = time_.Now();
    return now + std::max(Clock::duration::zero(), deadline - now) / static_cast<int>(count() - entry);
  }

  static int TriesOf(const absl::Status& error) {
    int tries = 0;
    return absl::SimpleAtoi(ErrorMetadata(error, "attempts"), &tries) ? tries : 1;
  }

  bool GoesOn(std::size_t entry, const absl::Status& error, const RequestContext& context) const {
    if (entry + 1 == count() || context.attempts()->spent()) return false;
    if (context.deltas() != nullptr && context.deltas()->committed()) return false;
    if (time_.Now() >= context.wanted_until()) return false;
    // The caller's own time is not over, so it was the share that passed.
    return IsWorthAnother(error) || ErrorReason(error) == reason::kDeadlineExceeded;
  }

  const FallbackOptions options_;
  TimeSource& time_;
};

}  // namespace

bool IsWorthAnother(const absl::Status& status) {
  const std::string why = ErrorReason(status);
  for (const absl::string_view other :
       {reason::kProviderUnreachable, reason::kProviderOverloaded, reason::kProviderCircuitOpen,
        reason::kProviderRateLimited, reason::kProviderLimitReached, reason::kProviderTimeout, reason::kProviderAuth,
        reason::kProviderPermission, reason::kProviderBilling, reason::kProviderMalformed}) {
    if (why == other) return true;
  }
  // A model or path that the endpoint does not know.
  return why == reason::kProviderInvalidRequest && absl::IsFailedPrecondition(status);
}

std::shared_ptr<lm::LanguageModel> NewFallback(std::vector<std::shared_ptr<lm::LanguageModel>> chain,
                                               FallbackOptions options, TimeSource& time) {
  return std::make_shared<Fallback>(std::move(chain), options, time);
}

}  // namespace dspex
