#include "providers/provider_stack.h"

#include <absl/strings/ascii.h>
#include <absl/strings/str_cat.h>
#include <absl/strings/str_join.h>

#include <algorithm>

#include "engine/base/error.h"
#include "engine/base/reasons.h"
#include "providers/decorators/fallback.h"
#include "providers/decorators/request_digest.h"
#include "providers/decorators/retrying.h"
#include "providers/decorators/routed.h"
#include "providers/decorators/single_flight.h"
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
        Endpoint::Create(*provider.settings, endpoint, user_agent, prefixes_, observer_, time_);
    if (!made.ok()) return made.status();
    provider.endpoints.push_back(*std::move(made));
  }
  std::string name = provider.settings->name;
  providers_.emplace(std::move(name), std::move(provider));
  return absl::OkStatus();
}

// What a call passes through, from the inside out, is built by Endpoint::MakeModel (meter, breaker, limits), MakeEntry
// (routing, retries) and MakeModel (fallbacks, shared calls, cache), in the order of docs/architecture.md.
absl::StatusOr<std::shared_ptr<lm::LanguageModel>> ConfiguredLanguageModels::MakeEntry(absl::string_view name) {
  const std::size_t slash = name.find('/');
  if (slash == absl::string_view::npos || slash == 0 || !IsModelName(name) || slash + 1 == name.size()) {
    return Error(absl::StatusCode::kInvalidArgument, reason::kInvalidRequest,
                 "The name of a language model is not \"provider/model\". Write it like openai/gpt-4o-mini.");
  }
  const std::string provider_name(name.substr(0, slash));
  const auto found = providers_.find(provider_name);
  if (found == providers_.end()) return UnknownProvider(provider_name);
  const Provider& provider = found->second;
  std::vector<Route> routes;
  for (std::size_t i = 0; i < provider.endpoints.size(); ++i) {
    absl::StatusOr<std::shared_ptr<lm::LanguageModel>> model = provider.endpoints[i]->MakeModel(name.substr(slash + 1));
    if (!model.ok()) return model.status();
    routes.push_back({.model = *std::move(model), .weight = provider.settings->endpoints[i].weight});
  }
  const auto random = [this] { return jitter_(); };
  std::shared_ptr<lm::LanguageModel> routed = routes.size() == 1
                                                  ? std::move(routes.front().model)
                                                  : NewRouted(std::move(routes), provider.settings->routing, random);
  return NewRetrying(std::move(routed), provider.settings->retry, *provider.retry_budget, time_, random);
}

absl::StatusOr<std::shared_ptr<lm::LanguageModel>> ConfiguredLanguageModels::MakeModel(absl::string_view name) {
  std::vector<std::string> names{std::string(name)};
  const FallbackRule* fallback = FindFallback(name);
  if (fallback != nullptr) names.insert(names.end(), fallback->models.begin(), fallback->models.end());
  std::vector<std::shared_ptr<lm::LanguageModel>> chain;
  for (const std::string& entry : names) {
    absl::StatusOr<std::shared_ptr<lm::LanguageModel>> model = MakeEntry(entry);
    if (!model.ok()) return model;
    chain.push_back(*std::move(model));
  }
  std::shared_ptr<lm::LanguageModel> model =
      chain.size() == 1 ? std::move(chain.front())
                        : NewFallback(std::move(chain), {.max_attempts = fallback->max_attempts}, time_);
  return caches_responses_ ? WithCache(std::move(model), absl::StrJoin(names, " ")) : model;
}

std::shared_ptr<lm::LanguageModel> ConfiguredLanguageModels::WithCache(std::shared_ptr<lm::LanguageModel> chain,
                                                                       std::string configuration) {
  const auto cached = std::make_shared<CachedChain>(std::move(configuration));
  std::shared_ptr<lm::LanguageModel> shared = NewSingleFlight(std::move(chain), cached->digester, scope_, time_);
  cached->model = NewCached(std::move(shared), responses_, cached->digester);
  return {cached, cached->model.get()};
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
