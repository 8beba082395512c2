#include "providers/decorators/compose.h"

#include <utility>

#include "providers/decorators/rate_limited.h"
#include "providers/decorators/single_flight.h"

namespace dspex {

std::shared_ptr<lm::LanguageModel> ComposeChain(std::vector<ChainEntry> chain, FallbackOptions fallback,
                                                const CallSharing* sharing, const ChainTools& tools) {
  std::vector<std::shared_ptr<lm::LanguageModel>> entries;
  for (ChainEntry& entry : chain) {
    std::vector<Route> routes;
    for (EndpointModel& endpoint : entry.endpoints) {
      auto metered = NewAttemptMeter(std::move(endpoint.model), tools.observer, endpoint.price);
      auto breaking = NewBreaking(std::move(metered), endpoint.breaker);
      auto limited = NewRateLimited(std::move(breaking), endpoint.limiter, tools.time);
      routes.push_back({.model = std::move(limited), .weight = endpoint.weight});
    }
    auto routed = routes.size() == 1 ? std::move(routes.front().model)
                                     : NewRouted(std::move(routes), entry.routing, tools.random);
    entries.push_back(NewRetrying(std::move(routed), entry.retry, entry.retry_budget, tools.time, tools.random));
  }
  auto model = entries.size() == 1 ? std::move(entries.front()) : NewFallback(std::move(entries), fallback, tools.time);
  if (sharing == nullptr) return model;
  auto shared = NewSingleFlight(std::move(model), sharing->digester, sharing->scope, tools.time);
  return NewCached(std::move(shared), sharing->responses, sharing->digester);
}

}  // namespace dspex
