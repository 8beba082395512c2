#include "providers/endpoint.h"

#include <absl/strings/str_cat.h>

#include <utility>

#include "engine/base/error.h"
#include "providers/anthropic/anthropic_model.h"
#include "providers/openai/openai_model.h"
#include "providers/openai/responses_model.h"

namespace dspex {

namespace {

Limiter::Options LimiterOptions(const ProviderSettings& provider) {
  Limiter::Options options = provider.limits;
  options.connections = provider.max_connections;
  return options;
}

}  // namespace

absl::StatusOr<std::unique_ptr<Endpoint>> Endpoint::Create(const ProviderSettings& provider,
                                                           const EndpointSettings& settings,
                                                           const std::string& user_agent, PrefixCache& prefixes,
                                                           TimeSource& time) {
  http::ClientOptions options;
  options.base_url = settings.base_url;
  options.user_agent = user_agent;
  options.max_connections = provider.max_connections;
  options.timeouts = provider.timeouts;
  options.ca_file = provider.ca_file;
  options.max_response_bytes = provider.max_response_bytes;
  absl::StatusOr<std::unique_ptr<http::Client>> client = http::Client::Create(options);
  if (!client.ok()) {
    return Error(client.status().code(), ErrorReason(client.status()),
                 absl::StrCat("providers.", provider.name, ": ", client.status().message()))
        .With("provider", provider.name);
  }
  // Its constructor is private.
  std::unique_ptr<Endpoint> endpoint(new Endpoint(provider, settings, *std::move(client), prefixes, time));
  // A key that cannot be sent is a mistake to be told of now, not with the first call.
  const absl::Status probe = endpoint->MakeDialectModel("model").status();
  if (!probe.ok()) return WithMetadata(probe, "provider", provider.name);
  return endpoint;
}

Endpoint::Endpoint(const ProviderSettings& provider, const EndpointSettings& settings,
                   std::unique_ptr<http::Client> client, PrefixCache& prefixes, TimeSource& time)
    : provider_(provider),
      settings_(settings),
      client_(std::move(client)),
      prefixes_(prefixes),
      breaker_(provider.breaker, time),
      limiter_(LimiterOptions(provider), time) {}

absl::StatusOr<std::shared_ptr<lm::LanguageModel>> Endpoint::MakeDialectModel(absl::string_view model) {
  const lm::Capabilities capabilities = CapabilitiesOf(provider_.name, model, provider_.models);
  const openai::ModelOptions openai{provider_.name, std::string(model), settings_.api_key, capabilities};
  switch (provider_.kind) {
    case config::v1::PROVIDER_KIND_ANTHROPIC:
      return anthropic::NewModel({provider_.name, std::string(model), settings_.api_key, capabilities}, *client_,
                                 prefixes_);
    case config::v1::PROVIDER_KIND_OPENAI_RESPONSES:
      return openai::NewResponsesModel(openai, *client_, prefixes_);
    default:
      return openai::NewModel(openai, *client_, prefixes_);
  }
}

absl::StatusOr<EndpointModel> Endpoint::MakeModel(absl::string_view model) {
  absl::StatusOr<std::shared_ptr<lm::LanguageModel>> built = MakeDialectModel(model);
  if (!built.ok()) return built.status();
  return EndpointModel{.model = *std::move(built),
                       .price = PriceTable(provider_.prices).Find(absl::StrCat(provider_.name, "/", model)),
                       .breaker = breaker_,
                       .limiter = limiter_,
                       .weight = settings_.weight};
}

EndpointStats Endpoint::stats() const {
  return {.pool = client_->stats(), .breaker_open = breaker_.open(), .limiter_waiting = limiter_.waiting()};
}

}  // namespace dspex
