#include "server/config/provider_settings.h"

#include <google/protobuf/util/time_util.h>

#include <chrono>
#include <utility>

namespace dspex {

namespace {

Clock::duration ToDuration(const google::protobuf::Duration& duration) {
  return std::chrono::nanoseconds(google::protobuf::util::TimeUtil::DurationToNanoseconds(duration));
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
  return settings;
}

}  // namespace

std::vector<ProviderSettings> ToProviderSettings(const ResolvedConfig& config) {
  std::vector<ProviderSettings> settings;
  for (const ResolvedProvider& provider : config.providers) settings.push_back(ToSettings(provider));
  return settings;
}

}  // namespace dspex
