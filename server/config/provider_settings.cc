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
  settings.ca_file = from.ca_file();
  settings.max_response_bytes = static_cast<std::uint64_t>(from.max_response_bytes());
  return settings;
}

}  // namespace

std::vector<ProviderSettings> ToProviderSettings(const ResolvedConfig& config) {
  std::vector<ProviderSettings> settings;
  for (const ResolvedProvider& provider : config.providers) settings.push_back(ToSettings(provider));
  return settings;
}

}  // namespace dspex
