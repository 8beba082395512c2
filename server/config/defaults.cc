#include <algorithm>
#include <string>
#include <thread>

#include "server/config/config.h"

// The one place for defaults. Each is stated at its field in config.proto and in docs/configuration.md.
namespace dspex {

namespace {

using config::v1::Breaker;
using config::v1::Config;
using config::v1::HttpTimeouts;
using config::v1::Limits;
using config::v1::Provider;
using config::v1::Retry;
using google::protobuf::Duration;

constexpr int kKiB = 1 << 10;
constexpr int kMiB = 1 << 20;

Duration Seconds(int seconds) {
  Duration duration;
  duration.set_seconds(seconds);
  return duration;
}

void ApplyDefaults(HttpTimeouts& timeouts) {
  if (!timeouts.has_connect()) *timeouts.mutable_connect() = Seconds(10);
  if (!timeouts.has_first_byte()) *timeouts.mutable_first_byte() = Seconds(120);
  if (!timeouts.has_idle()) *timeouts.mutable_idle() = Seconds(60);
  if (!timeouts.has_total()) *timeouts.mutable_total() = Seconds(300);
}

void ApplyDefaults(Retry& retry) {
  if (retry.max_attempts() == 0) retry.set_max_attempts(3);
  if (!retry.has_base_delay()) *retry.mutable_base_delay() = Seconds(1);
  if (!retry.has_max_delay()) *retry.mutable_max_delay() = Seconds(30);
}

void ApplyDefaults(Breaker& breaker) {
  if (breaker.window() == 0) breaker.set_window(20);
  if (!breaker.has_failure_percent()) breaker.set_failure_percent(50);
  if (!breaker.has_open_for()) *breaker.mutable_open_for() = Seconds(5);
}

void ApplyDefaults(const std::string& name, Provider& provider) {
  if (provider.kind() == config::v1::PROVIDER_KIND_UNSPECIFIED) {
    provider.set_kind(name == "anthropic" ? config::v1::PROVIDER_KIND_ANTHROPIC : config::v1::PROVIDER_KIND_OPENAI);
  }
  if (provider.base_url().empty()) {
    provider.set_base_url(provider.kind() == config::v1::PROVIDER_KIND_ANTHROPIC ? "https://api.anthropic.com/v1"
                                                                                 : "https://api.openai.com/v1");
  }
  if (provider.max_connections() == 0) provider.set_max_connections(256);
  if (provider.max_response_bytes() == 0) provider.set_max_response_bytes(32 * kMiB);
  ApplyDefaults(*provider.mutable_timeouts());
  ApplyDefaults(*provider.mutable_retry());
  ApplyDefaults(*provider.mutable_breaker());
  if (provider.routing() == config::v1::ROUTING_POLICY_UNSPECIFIED) {
    provider.set_routing(config::v1::ROUTING_POLICY_WEIGHTED);
  }
  for (config::v1::Endpoint& endpoint : *provider.mutable_endpoints()) {
    if (endpoint.weight() == 0) endpoint.set_weight(1);
  }
}

void ApplyDefaults(Limits& limits) {
  if (limits.max_in_flight() == 0) limits.set_max_in_flight(4 * kKiB);
  if (limits.max_request_bytes() == 0) limits.set_max_request_bytes(16 * kMiB);
  if (limits.max_in_flight_bytes() == 0) limits.set_max_in_flight_bytes(std::int64_t{1} << 30);
  if (!limits.has_forward_timeout()) *limits.mutable_forward_timeout() = Seconds(300);
  if (limits.prefix_cache_bytes() == 0) limits.set_prefix_cache_bytes(64 * kMiB);
  if (limits.program_cache_entries() == 0) limits.set_program_cache_entries(kKiB);
  if (limits.max_running_jobs() == 0) limits.set_max_running_jobs(2);
}

}  // namespace

void ApplyDefaults(Config& config) {
  if (config.listen().empty()) config.set_listen("127.0.0.1:50051");
  if (config.metrics_listen().empty()) config.set_metrics_listen("127.0.0.1:9464");
  if (config.data_dir().empty()) config.set_data_dir("dspex-data");
  for (auto& [name, provider] : *config.mutable_providers()) ApplyDefaults(name, provider);
  for (auto& [pattern, fallback] : *config.mutable_fallbacks()) {
    if (fallback.max_attempts() == 0) fallback.set_max_attempts(6);
  }
  ApplyDefaults(*config.mutable_limits());
  auto& drain = *config.mutable_drain();
  if (!drain.has_lame_duck()) *drain.mutable_lame_duck() = Seconds(0);
  if (!drain.has_time_limit()) *drain.mutable_time_limit() = Seconds(30);
  auto& log = *config.mutable_log();
  if (log.level().empty()) log.set_level("info");
  if (!log.has_access()) log.set_access(true);
  if (config.io_threads() == 0) {
    config.set_io_threads(static_cast<int>(std::max(1U, std::thread::hardware_concurrency())));
  }
}

}  // namespace dspex
