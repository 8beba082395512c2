#include <absl/strings/ascii.h>
#include <absl/strings/match.h>
#include <absl/strings/numbers.h>
#include <absl/strings/str_cat.h>
#include <absl/time/time.h>

#include <algorithm>
#include <limits>

#include "providers/price_table.h"
#include "server/config/config.h"

namespace dspex {

namespace {

using config::v1::Config;
using config::v1::Drain;
using config::v1::HttpTimeouts;
using config::v1::Limits;
using config::v1::Provider;
using google::protobuf::Duration;

constexpr std::int64_t kGiB = std::int64_t{1} << 30;

absl::Status Invalid(absl::string_view key, absl::string_view message) {
  return absl::InvalidArgumentError(absl::StrCat("configuration: ", key, " ", message));
}

absl::Status CheckRange(absl::string_view key, std::int64_t value, std::int64_t lowest, std::int64_t highest) {
  if (value >= lowest && value <= highest) return absl::OkStatus();
  return Invalid(key, absl::StrCat("is ", value, "; it must be from ", lowest, " to ", highest));
}

absl::Status CheckPositive(absl::string_view key, const Duration& duration) {
  if (duration.seconds() > 0 || duration.nanos() > 0) return absl::OkStatus();
  return Invalid(key, "must be longer than 0s");
}

/// "host:port", "[::1]:port". Port 0 lets the system choose.
absl::Status CheckAddress(absl::string_view key, absl::string_view address) {
  const std::size_t colon = address.rfind(':');
  const absl::string_view host = address.substr(0, colon);
  int port = -1;
  const bool has_port = colon != absl::string_view::npos && absl::SimpleAtoi(address.substr(colon + 1), &port);
  const bool bracketed = absl::StartsWith(host, "[") && absl::EndsWith(host, "]");
  if (has_port && port >= 0 && port <= 65535 && !host.empty() && (bracketed || !absl::StrContains(host, ':'))) {
    return absl::OkStatus();
  }
  return Invalid(key, absl::StrCat("is '", address, "'; it must be host:port, for example 127.0.0.1:50051"));
}

/// What may stand before "/" in a model's name.
bool IsProviderName(absl::string_view name) {
  return !name.empty() && name.size() <= 63 && absl::ascii_islower(name.front()) &&
         std::all_of(name.begin(), name.end(),
                     [](char c) { return absl::ascii_islower(c) || absl::ascii_isdigit(c) || c == '-' || c == '_'; });
}

bool IsVariableName(absl::string_view name) {
  return !absl::ascii_isdigit(name.front()) &&
         std::all_of(name.begin(), name.end(), [](char c) { return absl::ascii_isalnum(c) || c == '_'; });
}

absl::Status CheckTimeouts(absl::string_view key, const HttpTimeouts& timeouts) {
  absl::Status status = CheckPositive(absl::StrCat(key, ".connect"), timeouts.connect());
  status.Update(CheckPositive(absl::StrCat(key, ".first_byte"), timeouts.first_byte()));
  status.Update(CheckPositive(absl::StrCat(key, ".idle"), timeouts.idle()));
  status.Update(CheckPositive(absl::StrCat(key, ".total"), timeouts.total()));
  return status;
}

absl::Status CheckPrice(absl::string_view key, const std::string& text) {
  if (text.empty() || ParsePriceOfMillion(text).has_value()) return absl::OkStatus();
  return Invalid(key, absl::StrCat("is '", text,
                                   "'; it must be dollars for a million tokens, for example 0.15, with at most six "
                                   "digits before and behind the point"));
}

absl::Status CheckPrices(absl::string_view key, const google::protobuf::Map<std::string, config::v1::Price>& prices) {
  absl::Status status;
  for (const auto& [pattern, price] : prices) {
    const std::string at = absl::StrCat(key, ".", pattern);
    status.Update(CheckPrice(absl::StrCat(at, ".input"), price.input()));
    status.Update(CheckPrice(absl::StrCat(at, ".output"), price.output()));
    status.Update(CheckPrice(absl::StrCat(at, ".cached_input"), price.cached_input()));
    status.Update(CheckPrice(absl::StrCat(at, ".cache_write"), price.cache_write()));
  }
  return status;
}

absl::Status CheckModelName(absl::string_view key, absl::string_view lm) {
  const std::size_t slash = lm.find('/');
  if (slash != absl::string_view::npos && slash > 0 && slash + 1 < lm.size()) return absl::OkStatus();
  return Invalid(key, absl::StrCat("is '", lm, "'; it must be provider/model, for example openai/gpt-4o-mini"));
}

bool IsUrl(absl::string_view text) { return absl::StartsWith(text, "http://") || absl::StartsWith(text, "https://"); }

// Where a key is to be found; a provider and its further endpoints say it alike.
template <typename KeyHolder>
absl::Status CheckKey(const std::string& key, const KeyHolder& holder) {
  if (!holder.api_key_env().empty() && !holder.api_key_file().empty()) {
    return Invalid(key, "has both api_key_env and api_key_file; remove one of them");
  }
  // The value is not shown: it may be the key itself, written in the wrong place.
  if (!holder.api_key_env().empty() && !IsVariableName(holder.api_key_env())) {
    return Invalid(absl::StrCat(key, ".api_key_env"),
                   "must be the name of an environment variable, not the key itself");
  }
  return absl::OkStatus();
}

absl::Status CheckEndpoints(const std::string& provider, const Provider& settings) {
  for (int i = 0; i < settings.endpoints_size(); ++i) {
    const config::v1::Endpoint& endpoint = settings.endpoints(i);
    const std::string key = absl::StrCat(provider, ".endpoints[", i, "]");
    if (!IsUrl(endpoint.base_url()))
      return Invalid(absl::StrCat(key, ".base_url"), "must begin with http:// or https://");
    if (absl::Status status = CheckKey(key, endpoint); !status.ok()) return status;
    if (!(endpoint.weight() > 0 && endpoint.weight() <= 1e6)) {
      return Invalid(absl::StrCat(key, ".weight"), "must be above 0 and at most 1000000");
    }
  }
  return absl::OkStatus();
}

absl::Status CheckFallback(const std::string& pattern, const config::v1::Fallback& fallback) {
  const std::string key = absl::StrCat("fallbacks.", pattern);
  if (fallback.models().empty()) return Invalid(absl::StrCat(key, ".models"), "is empty; name models");
  for (const std::string& model : fallback.models()) {
    if (absl::Status status = CheckModelName(absl::StrCat(key, ".models"), model); !status.ok()) return status;
  }
  return CheckRange(absl::StrCat(key, ".max_attempts"), fallback.max_attempts(), 1, 100);
}

absl::Status CheckProvider(const std::string& name, const Provider& provider) {
  const std::string key = absl::StrCat("providers.", name);
  if (!IsProviderName(name)) {
    return Invalid(key, "is no name; use a lower-case letter, then lower-case letters, digits, '-' or '_', at most 63");
  }
  if (!IsUrl(provider.base_url())) {
    return Invalid(absl::StrCat(key, ".base_url"), "must begin with http:// or https://");
  }
  absl::Status status = CheckKey(key, provider);
  status.Update(CheckEndpoints(key, provider));
  status.Update(CheckRange(absl::StrCat(key, ".max_connections"), provider.max_connections(), 1, 65'535));
  status.Update(CheckRange(absl::StrCat(key, ".max_response_bytes"), provider.max_response_bytes(), 1024, kGiB));
  status.Update(CheckTimeouts(absl::StrCat(key, ".timeouts"), provider.timeouts()));
  status.Update(CheckRange(absl::StrCat(key, ".retry.max_attempts"), provider.retry().max_attempts(), 1, 20));
  status.Update(CheckPositive(absl::StrCat(key, ".retry.base_delay"), provider.retry().base_delay()));
  status.Update(CheckPositive(absl::StrCat(key, ".retry.max_delay"), provider.retry().max_delay()));
  status.Update(CheckRange(absl::StrCat(key, ".breaker.window"), provider.breaker().window(), 1, 64));
  status.Update(
      CheckRange(absl::StrCat(key, ".breaker.failure_percent"), provider.breaker().failure_percent(), 0, 100));
  status.Update(CheckPositive(absl::StrCat(key, ".breaker.open_for"), provider.breaker().open_for()));
  status.Update(CheckPrices(absl::StrCat(key, ".prices"), provider.prices()));
  constexpr std::int64_t kMost = 1'000'000'000'000;
  status.Update(
      CheckRange(absl::StrCat(key, ".limits.requests_per_minute"), provider.limits().requests_per_minute(), 0, kMost));
  status.Update(
      CheckRange(absl::StrCat(key, ".limits.tokens_per_minute"), provider.limits().tokens_per_minute(), 0, kMost));
  return status;
}

absl::Status CheckLimits(const Limits& limits) {
  absl::Status status = CheckRange("limits.max_in_flight", limits.max_in_flight(), 1, 1'000'000);
  status.Update(CheckRange("limits.max_request_bytes", limits.max_request_bytes(), 1024, kGiB));
  status.Update(
      CheckRange("limits.max_in_flight_bytes", limits.max_in_flight_bytes(), limits.max_request_bytes(), 1024 * kGiB));
  status.Update(CheckPositive("limits.forward_timeout", limits.forward_timeout()));
  status.Update(CheckRange("limits.prefix_cache_bytes", limits.prefix_cache_bytes(), 1, 64 * kGiB));
  status.Update(CheckRange("limits.program_cache_entries", limits.program_cache_entries(), 1, 1'000'000));
  status.Update(CheckRange("limits.max_running_jobs", limits.max_running_jobs(), 1, 64));
  return status;
}

absl::Status CheckDrain(const Drain& drain) {
  const auto nanoseconds = [](const Duration& d) { return d.seconds() * 1'000'000'000 + d.nanos(); };
  if (nanoseconds(drain.time_limit()) >= nanoseconds(drain.lame_duck())) return absl::OkStatus();
  return Invalid("drain.time_limit", "must not be shorter than drain.lame_duck: both count from the signal");
}

absl::Status CheckLog(absl::string_view level) {
  for (const absl::string_view known : {"debug", "info", "warn", "error", "off"}) {
    if (level == known) return absl::OkStatus();
  }
  return Invalid("log.level", absl::StrCat("is '", level, "'; it must be one of: debug, info, warn, error, off"));
}

absl::Status CheckDefaultLm(absl::string_view lm) {
  return lm.empty() ? absl::OkStatus() : CheckModelName("default_lm", lm);
}

}  // namespace

absl::Status Validate(const Config& config) {
  absl::Status status = CheckAddress("listen", config.listen());
  if (config.metrics_listen() != "off") status.Update(CheckAddress("metrics_listen", config.metrics_listen()));
  status.Update(CheckDefaultLm(config.default_lm()));
  for (const auto& [name, provider] : config.providers()) status.Update(CheckProvider(name, provider));
  for (const auto& [pattern, fallback] : config.fallbacks()) status.Update(CheckFallback(pattern, fallback));
  status.Update(CheckLimits(config.limits()));
  status.Update(CheckDrain(config.drain()));
  status.Update(CheckLog(config.log().level()));
  status.Update(CheckRange("io_threads", config.io_threads(), 1, 1024));
  status.Update(CheckRange("cache.max_bytes", config.cache().max_bytes(), 0, 64 * kGiB));
  return status;
}

}  // namespace dspex
