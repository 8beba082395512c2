#pragma once

#include <absl/base/thread_annotations.h>
#include <absl/container/flat_hash_map.h>
#include <absl/status/statusor.h>
#include <absl/strings/string_view.h>

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "dspex/config/v1/config.pb.h"
#include "engine/base/mutex.h"
#include "engine/lm/language_model.h"
#include "providers/capabilities.h"
#include "providers/decorators/attempt_meter.h"
#include "providers/decorators/breaker.h"
#include "providers/decorators/jitter.h"
#include "providers/decorators/limiter.h"
#include "providers/decorators/retrying.h"
#include "providers/http/client.h"
#include "providers/price_table.h"
#include "providers/wire/prefix_cache.h"

namespace dspex {

/// A provider as the configuration describes it, defaults filled in and the key read. Never printed.
struct ProviderSettings {
  /// What stands before "/" in its models' names.
  std::string name;
  config::v1::ProviderKind kind = config::v1::PROVIDER_KIND_OPENAI;
  std::string base_url = "https://api.openai.com/v1";
  /// Empty if it needs none.
  std::string api_key;
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
  /// What it takes in a minute.
  Limiter::Options limits;
};

/// The language models of the configured providers. Thread-safe. Owns the connections: destroyed after the last request
/// has ended and before the io_contexts that requests ran on; its models must not be used after it.
class ConfiguredLanguageModels final : public lm::LanguageModels {
 public:
  /// `user_agent` ("dspex/1.2.3") is what providers see. `observer` must outlive the result. INVALID_ARGUMENT names the
  /// provider whose settings are not usable.
  static absl::StatusOr<std::unique_ptr<ConfiguredLanguageModels>> Create(std::vector<ProviderSettings> providers,
                                                                          std::size_t prefix_cache_bytes,
                                                                          const std::string& user_agent,
                                                                          AttemptObserver& observer);

  absl::StatusOr<std::shared_ptr<lm::LanguageModel>> Find(absl::string_view name) override;

  /// Each provider's connections, by its name.
  std::vector<std::pair<std::string, http::PoolStats>> pool_stats() const;

  /// Bytes of encoded prompt prefixes in memory.
  std::size_t prefix_cache_bytes() const { return prefixes_.size_bytes(); }

  /// Closes the idle connections and keeps none from now on. For the end of a drain: idle connections keep their
  /// io_context's run() from returning.
  void CloseConnections();

 private:
  struct Provider {
    ProviderSettings settings;
    std::unique_ptr<http::Client> client;
    std::unique_ptr<RetryBudget> retry_budget;
    std::unique_ptr<Breaker> breaker;
  };

  ConfiguredLanguageModels(std::size_t prefix_cache_bytes, AttemptObserver& observer)
      : prefixes_(prefix_cache_bytes), observer_(observer) {}

  absl::StatusOr<std::shared_ptr<lm::LanguageModel>> BuildModel(const Provider& provider, absl::string_view model);

  SteadyTime time_;
  Jitter jitter_;
  std::map<std::string, Provider> providers_;
  PrefixCache prefixes_;
  AttemptObserver& observer_;
  Mutex mutex_;
  absl::flat_hash_map<std::string, std::shared_ptr<lm::LanguageModel>> models_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace dspex
