#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "dspex/config/v1/config.pb.h"
#include "providers/capabilities.h"
#include "providers/decorators/breaker.h"
#include "providers/decorators/limiter.h"
#include "providers/decorators/retrying.h"
#include "providers/decorators/routed.h"
#include "providers/http/client.h"
#include "providers/price_table.h"

namespace dspex {

/// One place that serves a provider's models. Never printed.
struct EndpointSettings {
  std::string base_url = "https://api.openai.com/v1";
  /// Empty if it needs none.
  std::string api_key;
  double weight = 1;
};

/// A provider as the configuration describes it, defaults filled in and the keys read. Never printed.
struct ProviderSettings {
  /// What stands before "/" in its models' names.
  std::string name;
  config::v1::ProviderKind kind = config::v1::PROVIDER_KIND_OPENAI;
  /// At least one.
  std::vector<EndpointSettings> endpoints;
  Routing routing = Routing::kWeighted;
  int max_connections = 256;
  http::Timeouts timeouts;
  RetryOptions retry;
  Breaker::Options breaker;
  std::string ca_file;
  std::uint64_t max_response_bytes = std::uint64_t{32} << 20;
  /// What its models take, beyond the built-in table.
  std::vector<CapabilityRule> models;
  /// What they cost.
  std::vector<PriceRule> prices;
  /// What each endpoint takes in a minute.
  Limiter::Options limits;
};

/// Where calls go when a model's provider fails.
struct FallbackRule {
  /// Of "provider/model" names; '*' stands for any text.
  std::string pattern;
  /// "provider/model", in the order in which they are tried.
  std::vector<std::string> models;
  int max_attempts = 6;
};

}  // namespace dspex
