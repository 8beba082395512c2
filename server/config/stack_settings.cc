#include "server/config/stack_settings.h"

#include <absl/strings/str_cat.h>

#include <optional>
#include <utility>

#include "engine/base/proto_duration.h"

namespace dspex {

namespace {

// Of a configuration that was validated; unset: nothing.
std::optional<Money> ToMoney(const std::string& text) {
  return text.empty() ? std::nullopt : ParsePriceOfMillion(text);
}

Price ToPrice(const config::v1::Price& from) {
  return {.input = ToMoney(from.input()).value_or(Money()),
          .output = ToMoney(from.output()).value_or(Money()),
          .cached_input = ToMoney(from.cached_input()),
          .cache_write = ToMoney(from.cache_write())};
}

ProviderSettings ToSettings(const ResolvedProvider& provider) {
  const config::v1::Provider& from = provider.settings;
  ProviderSettings settings;
  settings.name = provider.name;
  settings.kind = from.kind();
  settings.endpoints.push_back({.base_url = from.base_url(), .api_key = provider.api_keys.front()});
  for (int i = 0; i < from.endpoints_size(); ++i) {
    const config::v1::Endpoint& endpoint = from.endpoints(i);
    settings.endpoints.push_back({.base_url = endpoint.base_url(),
                                  .api_key = provider.api_keys[static_cast<std::size_t>(i) + 1],
                                  .weight = endpoint.weight()});
  }
  settings.routing =
      from.routing() == config::v1::ROUTING_POLICY_LEAST_LOADED ? Routing::kLeastLoaded : Routing::kWeighted;
  settings.max_connections = from.max_connections();
  settings.timeouts.connect = ReadDuration(from.timeouts().connect());
  settings.timeouts.first_byte = ReadDuration(from.timeouts().first_byte());
  settings.timeouts.idle = ReadDuration(from.timeouts().idle());
  settings.timeouts.total = ReadDuration(from.timeouts().total());
  settings.retry.max_attempts = from.retry().max_attempts();
  settings.retry.base_delay = ReadDuration(from.retry().base_delay());
  settings.retry.max_delay = ReadDuration(from.retry().max_delay());
  settings.breaker.window = from.breaker().window();
  settings.breaker.failure_percent = from.breaker().failure_percent();
  settings.breaker.open_for = ReadDuration(from.breaker().open_for());
  settings.ca_file = from.ca_file();
  settings.max_response_bytes = static_cast<std::uint64_t>(from.max_response_bytes());
  for (const auto& [pattern, model] : from.models()) {
    CapabilityRule rule;
    rule.pattern = pattern;
    if (model.has_images()) rule.images = model.images();
    if (model.has_response_format()) rule.response_format = model.response_format();
    if (model.has_json_schema()) rule.json_schema = model.json_schema();
    if (model.has_tools()) rule.tools = model.tools();
    if (model.has_reasoning()) rule.reasoning = model.reasoning();
    settings.models.push_back(std::move(rule));
  }
  settings.limits.requests_per_minute = from.limits().requests_per_minute();
  settings.limits.tokens_per_minute = from.limits().tokens_per_minute();
  for (const auto& [pattern, price] : from.prices()) {
    settings.prices.push_back({.pattern = absl::StrCat(provider.name, "/", pattern), .price = ToPrice(price)});
  }
  return settings;
}

}  // namespace

StackSettings ToStackSettings(const ResolvedConfig& config) {
  StackSettings settings;
  for (const ResolvedProvider& provider : config.providers) settings.providers.push_back(ToSettings(provider));
  for (const auto& [pattern, fallback] : config.settings.fallbacks()) {
    settings.fallbacks.push_back({.pattern = pattern,
                                  .models = {fallback.models().begin(), fallback.models().end()},
                                  .max_attempts = fallback.max_attempts()});
  }
  settings.prefix_cache_bytes = static_cast<std::size_t>(config.settings.limits().prefix_cache_bytes());
  settings.response_cache_bytes = static_cast<std::size_t>(config.settings.cache().max_bytes());
  return settings;
}

}  // namespace dspex
