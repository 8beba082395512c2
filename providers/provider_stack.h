#pragma once

#include <absl/base/thread_annotations.h>
#include <absl/container/flat_hash_map.h>
#include <absl/status/statusor.h>
#include <absl/strings/string_view.h>

#include <cstddef>
#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "engine/base/mutex.h"
#include "engine/base/task_scope.h"
#include "engine/base/time_source.h"
#include "engine/lm/language_model.h"
#include "providers/decorators/attempt_meter.h"
#include "providers/decorators/cache.h"
#include "providers/decorators/compose.h"
#include "providers/decorators/jitter.h"
#include "providers/decorators/retry_budget.h"
#include "providers/endpoint.h"
#include "providers/provider_settings.h"
#include "providers/wire/prefix_cache.h"

namespace dspex {

struct StackSettings {
  std::vector<ProviderSettings> providers;
  std::vector<FallbackRule> fallbacks;
  std::size_t prefix_cache_bytes = std::size_t{64} << 20;
  /// 0: no answers are kept, and equal calls at the same time are made each.
  std::size_t response_cache_bytes = 0;
  /// "dspex/1.2.3": what providers see.
  std::string user_agent = "dspex";
};

/// The language models of the configured providers. Thread-safe. Owns the connections: destroyed after the last request
/// has ended and before the io_contexts that requests ran on; its models must not be used after it.
class ConfiguredLanguageModels final : public lm::LanguageModels {
 public:
  /// `observer`, `scope`, where shared calls run, and `time` outlive the result; `scope` is joined before the result
  /// goes. INVALID_ARGUMENT names the provider whose settings are not usable.
  static absl::StatusOr<std::unique_ptr<ConfiguredLanguageModels>> Create(StackSettings settings,
                                                                          AttemptObserver& observer, TaskScope& scope,
                                                                          TimeSource& time);

  absl::StatusOr<std::shared_ptr<lm::LanguageModel>> Find(absl::string_view name) override;

  /// Each endpoint by its provider's name, all but the first with its number behind: "openai", "openai#2".
  std::vector<std::pair<std::string, EndpointStats>> endpoint_stats() const;

  /// Bytes of encoded prompt prefixes in memory.
  std::size_t prefix_cache_bytes() const { return prefixes_.size_bytes(); }

  /// Closes the idle connections and keeps none from now on. For the end of a drain: idle connections keep their
  /// io_context's run() from returning.
  void CloseConnections();

 private:
  struct Provider {
    std::unique_ptr<const ProviderSettings> settings;
    std::vector<std::unique_ptr<Endpoint>> endpoints;
    std::unique_ptr<RetryBudget> retry_budget;
  };

  ConfiguredLanguageModels(const StackSettings& settings, AttemptObserver& observer, TaskScope& scope,
                           TimeSource& time);

  absl::Status AddProvider(ProviderSettings settings, const std::string& user_agent);
  absl::StatusOr<ChainEntry> MakeEntry(absl::string_view name);
  absl::StatusOr<std::shared_ptr<lm::LanguageModel>> MakeModel(absl::string_view name);
  const FallbackRule* FindFallback(absl::string_view name) const;
  absl::Status UnknownProvider(const std::string& provider) const;

  TimeSource& time_;
  Jitter jitter_;
  PrefixCache prefixes_;
  ResponseCache responses_;
  const bool caches_responses_;
  const std::vector<FallbackRule> fallbacks_;
  AttemptObserver& observer_;
  TaskScope& scope_;
  std::map<std::string, Provider> providers_;
  Mutex mutex_;
  absl::flat_hash_map<std::string, std::shared_ptr<lm::LanguageModel>> models_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace dspex
