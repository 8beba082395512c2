#pragma once

#include <memory>

#include "engine/base/time_source.h"
#include "engine/lm/language_model.h"
#include "providers/decorators/limiter.h"

namespace dspex {

/// A model that asks `limiter` for leave before each call to `inner`, for the estimated tokens of the request and as
/// many as its answer may have, and tells it what the call used and what the answer says of limits. What the provider
/// never saw (a refusal of the breaker, no connection) gives back all. A RetryInfo of the provider's pauses the
/// endpoint for all. The wait counts as queue time. `limiter` and `time` outlive the model.
std::shared_ptr<lm::LanguageModel> NewRateLimited(std::shared_ptr<lm::LanguageModel> inner, Limiter& limiter,
                                                  TimeSource& time);

}  // namespace dspex
