#include "providers/provider_stack.h"

#include <absl/strings/ascii.h>
#include <absl/strings/str_cat.h>
#include <absl/strings/str_join.h>

#include <algorithm>

#include "engine/base/error.h"
#include "engine/base/mutex.h"
#include "engine/base/reasons.h"
#include "providers/anthropic/anthropic_model.h"
#include "providers/openai/openai_model.h"
#include "providers/openai/responses_model.h"

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

// The dialect of a provider.
absl::StatusOr<std::shared_ptr<lm::LanguageModel>> NewDialectModel(const ProviderSettings& settings,
                                                                   absl::string_view model, http::Client& client,
                                                                   PrefixCache& prefixes) {
  const lm::Capabilities capabilities = CapabilitiesOf(settings.name, model, settings.models);
  const openai::ModelOptions openai{settings.name, std::string(model), settings.api_key, capabilities};
  switch (settings.kind) {
    case config::v1::PROVIDER_KIND_ANTHROPIC:
      return anthropic::NewModel({settings.name, std::string(model), settings.api_key, capabilities}, client, prefixes);
    case config::v1::PROVIDER_KIND_OPENAI_RESPONSES:
      return openai::NewResponsesModel(openai, client, prefixes);
    default:
      return openai::NewModel(openai, client, prefixes);
  }
}

}  // namespace

// What a call passes through, from the inside out. Limits, the cache and fallbacks find their place here, in the order
// of docs/architecture.md.
absl::StatusOr<std::shared_ptr<lm::LanguageModel>> ConfiguredLanguageModels::BuildModel(const Provider& provider,
                                                                                        absl::string_view model) {
  const ProviderSettings& settings = provider.settings;
  absl::StatusOr<std::shared_ptr<lm::LanguageModel>> built =
      NewDialectModel(settings, model, *provider.client, prefixes_);
  if (!built.ok()) return built.status();
  const std::optional<Price> price = PriceTable(settings.prices).Find(absl::StrCat(settings.name, "/", model));
  std::shared_ptr<lm::LanguageModel> metered = NewAttemptMeter(*std::move(built), observer_, price);
  std::shared_ptr<lm::LanguageModel> breaking = NewBreaking(std::move(metered), *provider.breaker);
  return NewRetrying(std::move(breaking), settings.retry, *provider.retry_budget, time_, [this] { return jitter_(); });
}

absl::StatusOr<std::unique_ptr<ConfiguredLanguageModels>> ConfiguredLanguageModels::Create(
    std::vector<ProviderSettings> providers, std::size_t prefix_cache_bytes, const std::string& user_agent,
    AttemptObserver& observer) {
  // Its constructor is private.
  std::unique_ptr<ConfiguredLanguageModels> models(new ConfiguredLanguageModels(prefix_cache_bytes, observer));
  for (ProviderSettings& settings : providers) {
    http::ClientOptions options;
    options.base_url = settings.base_url;
    options.user_agent = user_agent;
    options.max_connections = settings.max_connections;
    options.timeouts = settings.timeouts;
    options.ca_file = settings.ca_file;
    options.max_response_bytes = settings.max_response_bytes;
    absl::StatusOr<std::unique_ptr<http::Client>> client = http::Client::Create(options);
    if (!client.ok()) {
      return Error(client.status().code(), ErrorReason(client.status()),
                   absl::StrCat("providers.", settings.name, ": ", client.status().message()))
          .With("provider", settings.name);
    }
    std::string name = settings.name;
    auto breaker = std::make_unique<Breaker>(settings.breaker, models->time_);
    Provider provider{std::move(settings), *std::move(client), std::make_unique<RetryBudget>(RetryBudget::Options()),
                      std::move(breaker)};
    // A key that cannot be sent is a mistake to be told of now, not with the first call.
    absl::StatusOr<std::shared_ptr<lm::LanguageModel>> probe = models->BuildModel(provider, "model");
    if (!probe.ok()) return WithMetadata(probe.status(), "provider", name);
    models->providers_.emplace(std::move(name), std::move(provider));
  }
  return models;
}

absl::StatusOr<std::shared_ptr<lm::LanguageModel>> ConfiguredLanguageModels::Find(absl::string_view name) {
  {
    MutexLock lock(&mutex_);
    const auto found = models_.find(name);
    if (found != models_.end()) return found->second;
  }
  const std::size_t slash = name.find('/');
  if (slash == absl::string_view::npos || slash == 0 || !IsModelName(name) || slash + 1 == name.size()) {
    return Error(absl::StatusCode::kInvalidArgument, reason::kInvalidRequest,
                 "The name of a language model is not \"provider/model\". Write it like openai/gpt-4o-mini.");
  }
  const std::string provider_name(name.substr(0, slash));
  const auto provider = providers_.find(provider_name);
  if (provider == providers_.end()) {
    const auto append_name = [](std::string* out, const auto& entry) { absl::StrAppend(out, entry.first); };
    return Error(
               absl::StatusCode::kFailedPrecondition, reason::kUnknownProvider,
               absl::StrCat("No provider ", provider_name, " is configured; there is ",
                            providers_.empty() ? "none" : absl::StrJoin(providers_, ", ", append_name),
                            ". Add it under providers in the server's configuration, or set OPENAI_API_KEY for openai, "
                            "ANTHROPIC_API_KEY for anthropic."))
        .With("provider", provider_name);
  }
  absl::StatusOr<std::shared_ptr<lm::LanguageModel>> model = BuildModel(provider->second, name.substr(slash + 1));
  if (!model.ok()) return model.status();
  MutexLock lock(&mutex_);
  if (models_.size() >= kMaxKeptModels) return model;
  // The first of two threads that built it wins, so that both share the encoded prefixes.
  return models_.emplace(name, *std::move(model)).first->second;
}

std::vector<std::pair<std::string, http::PoolStats>> ConfiguredLanguageModels::pool_stats() const {
  std::vector<std::pair<std::string, http::PoolStats>> stats;
  for (const auto& [name, provider] : providers_) stats.emplace_back(name, provider.client->stats());
  return stats;
}

void ConfiguredLanguageModels::CloseConnections() {
  for (const auto& [name, provider] : providers_) provider.client->Close();
}

}  // namespace dspex
