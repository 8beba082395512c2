#pragma once

#include <absl/status/statusor.h>
#include <absl/strings/string_view.h>

#include <memory>
#include <string>

#include "engine/lm/language_model.h"
#include "providers/decorators/breaker.h"
#include "providers/decorators/compose.h"
#include "providers/decorators/limiter.h"
#include "providers/http/client.h"
#include "providers/provider_settings.h"
#include "providers/wire/prefix_cache.h"

namespace dspex {

/// What an endpoint does at a moment.
struct EndpointStats {
  http::PoolStats pool;
  bool breaker_open = false;
  /// Calls that wait for its limits.
  std::size_t limiter_waiting = 0;
};

/// One place that serves a provider's models: its connections, and what is known of how it is. Thread-safe. Outlives
/// the models it makes.
class Endpoint {
 public:
  /// `provider` and the references outlive the endpoint. INVALID_ARGUMENT if the settings are not usable.
  static absl::StatusOr<std::unique_ptr<Endpoint>> Create(const ProviderSettings& provider,
                                                          const EndpointSettings& settings,
                                                          const std::string& user_agent, PrefixCache& prefixes,
                                                          TimeSource& time);

  /// The model of that name here, with the endpoint's limits and breaker.
  absl::StatusOr<EndpointModel> MakeModel(absl::string_view model);

  EndpointStats stats() const;

  /// Closes the idle connections and keeps none from now on.
  void CloseConnections() { client_->Close(); }

 private:
  Endpoint(const ProviderSettings& provider, const EndpointSettings& settings, std::unique_ptr<http::Client> client,
           PrefixCache& prefixes, TimeSource& time);

  absl::StatusOr<std::shared_ptr<lm::LanguageModel>> MakeDialectModel(absl::string_view model);

  const ProviderSettings& provider_;
  const EndpointSettings settings_;
  const std::unique_ptr<http::Client> client_;
  PrefixCache& prefixes_;
  Breaker breaker_;
  Limiter limiter_;
};

}  // namespace dspex
