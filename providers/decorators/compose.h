#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <vector>

#include "engine/base/task_scope.h"
#include "engine/base/time_source.h"
#include "engine/lm/language_model.h"
#include "providers/decorators/attempt_meter.h"
#include "providers/decorators/breaker.h"
#include "providers/decorators/cache.h"
#include "providers/decorators/fallback.h"
#include "providers/decorators/limiter.h"
#include "providers/decorators/request_digest.h"
#include "providers/decorators/retry_budget.h"
#include "providers/decorators/retrying.h"
#include "providers/decorators/routed.h"
#include "providers/price_table.h"

namespace dspex {

/// A model at one endpoint: what speaks its dialect, and what guards the endpoint.
struct EndpointModel {
  std::shared_ptr<lm::LanguageModel> model;
  std::optional<Price> price;
  Breaker& breaker;
  Limiter& limiter;
  double weight = 1;
};

/// An entry of a chain of fallbacks: the model at each of its provider's endpoints, of which there is one at least.
struct ChainEntry {
  std::vector<EndpointModel> endpoints;
  Routing routing = Routing::kWeighted;
  RetryOptions retry;
  RetryBudget& retry_budget;
};

/// Where equal calls meet: those that were answered, and those that run.
struct CallSharing {
  ResponseCache& responses;
  RequestDigester& digester;
  TaskScope& scope;
};

/// What the decorators of every chain use.
struct ChainTools {
  AttemptObserver& observer;
  TimeSource& time;
  /// Yields numbers from [0, 1); thread-safe.
  std::function<double()> random;
};

/// Puts together what a call passes through:
///
///     Cached(SingleFlight(Fallback(Retrying(Routed(RateLimited(Breaking(AttemptMeter(model))))))))
///
/// without routing for an entry of one endpoint, fallback for a chain of one entry, and the outer two if `sharing` is
/// null. `chain` is not empty. All references outlive the model.
std::shared_ptr<lm::LanguageModel> ComposeChain(std::vector<ChainEntry> chain, FallbackOptions fallback,
                                                const CallSharing* sharing, const ChainTools& tools);

}  // namespace dspex
