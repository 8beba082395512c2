#include "providers/provider_stack.h"

#include <absl/strings/ascii.h>
#include <absl/strings/str_cat.h>
#include <absl/strings/str_join.h>

#include <algorithm>

#include "engine/base/error.h"
#include "engine/base/reasons.h"
#include "providers/decorators/compose.h"
#include "providers/pattern.h"

namespace dspex {

namespace {

// Names come from users: beyond these, models are built anew for each Find.
constexpr std::size_t kMaxKeptModels = 1000;
constexpr std::size_t kMaxNameBytes = 256;

bool IsModelName(absl::string_view name) {
  return !name.empty() && name.size() <= kMaxNameBytes && std::none_of(name.begin(), name.end(), [](char c) {
    return absl::ascii_iscntrl(static_cast<unsigned char>(c));
  });
}

// A model, and what it was built on and must not outlive.
struct CachedChain {
  explicit CachedChain(std::string configuration) : digester(std::move(configuration)) {}
  RequestDigester digester;
  std::shared_ptr<lm::LanguageModel> model;
};

}  // namespace

ConfiguredLanguageModels::ConfiguredLanguageModels(const StackSettings& settings, AttemptObserver& observer,
                                                   TaskScope& scope, TimeSource& time)
    : time_(time),
      prefixes_(settings.prefix_cache_bytes),
      responses_(settings.response_cache_bytes),
      caches_responses_(settings.response_cache_bytes > 0),
      fallbacks_(settings.fallbacks),
      observer_(observer),
      scope_(scope) {}

absl::StatusOr<std::unique_ptr<ConfiguredLanguageModels>> ConfiguredLanguageModels::Create(StackSettings settings,
                                                                                           AttemptObserver& observer,
                                                                                           TaskScope& scope,
                                                                                           TimeSource& time) {
  // Its constructor is private.
  std::unique_ptr<ConfiguredLanguageModels> models(new ConfiguredLanguageModels(settings, observer, scope, time));
  for (ProviderSettings& provider : settings.providers) {
    absl::Status added = models->AddProvider(std::move(provider), settings.user_agent);
    if (!added.ok()) return added;
  }
  return models;
}

absl::Status ConfiguredLanguageModels::AddProvider(ProviderSettings settings, const std::string& user_agent) {
  Provider provider{.settings = std::make_unique<const ProviderSettings>(std::move(settings)),
                    .endpoints = {},
                    .retry_budget = std::make_unique<RetryBudget>(RetryBudget::Options())};
  for (const EndpointSettings& endpoint : provider.settings->endpoints) {
    absl::StatusOr<std::unique_ptr<Endpoint>> made =
        Endpoint::Create(*provider.settings, endpoint, user_agent, prefixes_, time_);
    if (!made.ok()) return made.status();
    provider.endpoints.push_back(*std::move(made));
  }
  std::string name = provider.settings->name;
  providers_.emplace(std::move(name), std::move(provider));
  return absl::OkStatus();
}

absl::StatusOr<ChainEntry> ConfiguredLanguageModels::MakeEntry(absl::string_view name) {
  const std::size_t slash = name.find('/');
  if (slash == absl::string_view::npos || slash == 0 || !IsModelName(name) || slash + 1 == name.size()) {
    return Error(absl::StatusCode::kInvalidArgument, reason::kInvalidRequest,
                 "The name of a language model is not \"provider/model\". Write it like openai/gpt-4o-mini.");
  }
  const std::string provider_name(name.substr(0, slash));
  const auto found = providers_.find(provider_name);
  if (found == providers_.end()) return UnknownProvider(provider_name);
  const Provider& provider = found->second;
  ChainEntry entry{.endpoints = {},
                   .routing = provider.settings->routing,
                   .retry = provider.settings->retry,
                   .retry_budget = *provider.retry_budget};
  for (const auto& endpoint : provider.endpoints) {
    absl::StatusOr<EndpointModel> model = endpoint->MakeModel(name.substr(slash + 1));
    if (!model.ok()) return model.status();
    entry.endpoints.push_back(*std::move(model));
  }
  return entry;
}

absl::StatusOr<std::shared_ptr<lm::LanguageModel>> ConfiguredLanguageModels::MakeModel(absl::string_view name) {
  std::vector<std::string> names{std::string(name)};
  const FallbackRule* rule = FindFallback(name);
  if (rule != nullptr) names.insert(names.end(), rule->models.begin(), rule->models.end());
  std::vector<ChainEntry> chain;
  for (const std::string& entry_name : names) {
    absl::StatusOr<ChainEntry> entry = MakeEntry(entry_name);
    if (!entry.ok()) return entry.status();
    chain.push_back(*std::move(entry));
  }
  FallbackOptions fallback;
  if (rule != nullptr) fallback.max_attempts = rule->max_attempts;
  const ChainTools tools{.observer = observer_, .time = time_, .random = [this] { return jitter_(); }};
  if (!caches_responses_) return ComposeChain(std::move(chain), fallback, nullptr, tools);
  // No name has a line break.
  const auto cached = std::make_shared<CachedChain>(absl::StrJoin(names, "\n"));
  const CallSharing sharing{.responses = responses_, .digester = cached->digester, .scope = scope_};
  cached->model = ComposeChain(std::move(chain), fallback, &sharing, tools);
  return std::shared_ptr<lm::LanguageModel>(cached, cached->model.get());
}

const FallbackRule* ConfiguredLanguageModels::FindFallback(absl::string_view name) const {
  const FallbackRule* best = nullptr;
  for (const FallbackRule& rule : fallbacks_) {
    if (!MatchesPattern(rule.pattern, name)) continue;
    if (best == nullptr || IsMoreSpecific(rule.pattern, best->pattern)) best = &rule;
  }
  return best;
}

absl::Status ConfiguredLanguageModels::UnknownProvider(const std::string& provider) const {
  const auto append_name = [](std::string* out, const auto& entry) { absl::StrAppend(out, entry.first); };
  return Error(absl::StatusCode::kFailedPrecondition, reason::kUnknownProvider,
               absl::StrCat("No provider ", provider, " is configured; there is ",
                            providers_.empty() ? "none" : absl::StrJoin(providers_, ", ", append_name),
                            ". Add it under providers in the server's configuration, or set OPENAI_API_KEY for openai, "
                            "ANTHROPIC_API_KEY for anthropic."))
      .With("provider", provider);
}

absl::StatusOr<std::shared_ptr<lm::LanguageModel>> ConfiguredLanguageModels::Find(absl::string_view name) {
  {
    MutexLock lock(&mutex_);
    const auto found = models_.find(name);
    if (found != models_.end()) return found->second;
  }
  absl::StatusOr<std::shared_ptr<lm::LanguageModel>> model = MakeModel(name);
  if (!model.ok()) return model.status();
  MutexLock lock(&mutex_);
  if (models_.size() >= kMaxKeptModels) return model;
  // The first of two threads that built it wins, so that both share the encoded prefixes.
  return models_.emplace(name, *std::move(model)).first->second;
}

std::vector<std::pair<std::string, EndpointStats>> ConfiguredLanguageModels::endpoint_stats() const {
  std::vector<std::pair<std::string, EndpointStats>> stats;
  for (const auto& [name, provider] : providers_) {
    for (std::size_t i = 0; i < provider.endpoints.size(); ++i) {
      stats.emplace_back(i == 0 ? name : absl::StrCat(name, "#", i + 1), provider.endpoints[i]->stats());
    }
  }
  return stats;
}

void ConfiguredLanguageModels::CloseConnections() {
  for (const auto& [name, provider] : providers_) {
    for (const auto& endpoint : provider.endpoints) endpoint->CloseConnections();
  }
}

}  // namespace dspex
