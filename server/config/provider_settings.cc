#include "server/config/provider_settings.h"

#include <absl/strings/str_cat.h>
#include <google/protobuf/util/time_util.h>

#include <chrono>
#include <optional>
#include <utility>

namespace dspex {

namespace {

Clock::duration ToDuration(const google::protobuf::Duration& duration) {
  return std::chrono::nanoseconds(google::protobuf::util::TimeUtil::DurationToNanoseconds(duration));
}

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
  settings.base_url = from.base_url();
  settings.api_key = provider.api_key;
  settings.max_connections = from.max_connections();
  settings.timeouts.connect = ToDuration(from.timeouts().connect());
  settings.timeouts.first_byte = ToDuration(from.timeouts().first_byte());
  settings.timeouts.idle = ToDuration(from.timeouts().idle());
  settings.timeouts.total = ToDuration(from.timeouts().total());
  settings.retry.max_attempts = from.retry().max_attempts();
  settings.retry.base_delay = ToDuration(from.retry().base_delay());
  settings.retry.max_delay = ToDuration(from.retry().max_delay());
  settings.breaker.window = from.breaker().window();
  settings.breaker.failure_percent = from.breaker().failure_percent();
  settings.breaker.open_for = ToDuration(from.breaker().open_for());
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

std::vector<ProviderSettings> ToProviderSettings(const ResolvedConfig& config) {
  std::vector<ProviderSettings> settings;
  for (const ResolvedProvider& provider : config.providers) settings.push_back(ToSettings(provider));
  return settings;
}

}  // namespace dspex
