#include <absl/strings/ascii.h>
#include <absl/strings/str_cat.h>

#include <algorithm>
#include <utility>

#include "server/config/config.h"
#include "server/config/read_file.h"

namespace dspex {

namespace {

using config::v1::Config;
using config::v1::Provider;

constexpr char kOpenAi[] = "openai";
constexpr char kOpenAiKey[] = "OPENAI_API_KEY";
constexpr char kOpenAiUrl[] = "OPENAI_BASE_URL";
constexpr char kAnthropic[] = "anthropic";
constexpr char kAnthropicKey[] = "ANTHROPIC_API_KEY";

/// Adds the providers that the environment describes.
void AddFromEnvironment(const Environment& environment, Config& config) {
  const auto set = [&environment](const char* name) {
    const std::optional<std::string> value = environment(name);
    return value.has_value() && !value->empty();
  };
  auto& providers = *config.mutable_providers();
  if (set(kOpenAiKey)) providers[kOpenAi].set_api_key_env(kOpenAiKey);
  if (set(kOpenAiUrl)) providers[kOpenAi].set_base_url(*environment(kOpenAiUrl));
  if (set(kAnthropicKey)) providers[kAnthropic].set_api_key_env(kAnthropicKey);
}

/// What would make a provider of that name without a configuration; empty if nothing does.
std::string VariablesOf(const std::string& name) {
  if (name == kOpenAi) return absl::StrCat(kOpenAiKey, " or ", kOpenAiUrl);
  return name == kAnthropic ? kAnthropicKey : "";
}

/// Where a provider's key is to be found, as errors name it.
template <typename KeyHolder>
std::string KeySource(const KeyHolder& provider) {
  return provider.api_key_env().empty() ? absl::StrCat("the file ", provider.api_key_file())
                                        : absl::StrCat("the environment variable ", provider.api_key_env());
}

// Both providers and their further endpoints have keys.
template <typename KeyHolder>
absl::StatusOr<std::string> FindKey(const KeyHolder& provider, const Environment& environment) {
  if (!provider.api_key_env().empty()) {
    if (std::optional<std::string> value = environment(provider.api_key_env())) return *std::move(value);
    return absl::InvalidArgumentError(absl::StrCat(KeySource(provider), " is not set; set it"));
  }
  constexpr std::size_t kMaxKeyBytes = 64 << 10;
  return ReadFile(provider.api_key_file(), kMaxKeyBytes);
}

template <typename KeyHolder>
absl::StatusOr<std::string> ReadKey(const std::string& name, const KeyHolder& provider,
                                    const Environment& environment) {
  if (provider.api_key_env().empty() && provider.api_key_file().empty()) return std::string();
  absl::StatusOr<std::string> found = FindKey(provider, environment);
  if (!found.ok()) {
    return absl::InvalidArgumentError(
        absl::StrCat("the key of provider '", name, "': ", found.status().message(), "."));
  }
  std::string key(absl::StripAsciiWhitespace(*found));
  // It becomes a header's value: a line break inside would begin another header.
  const bool printable = std::all_of(key.begin(), key.end(), [](unsigned char c) { return c > 0x20 && c < 0x7f; });
  if (key.empty() || !printable) {
    return absl::InvalidArgumentError(absl::StrCat("the key of provider '", name, "': ", KeySource(provider),
                                                   key.empty() ? " is empty." : " holds more than one word of ASCII."));
  }
  return key;
}

/// The keys of base_url and of the endpoints, in order.
absl::StatusOr<std::vector<std::string>> ReadKeys(const std::string& name, const Provider& provider,
                                                  const Environment& environment) {
  absl::StatusOr<std::string> own = ReadKey(name, provider, environment);
  if (!own.ok()) return own.status();
  std::vector<std::string> keys{*std::move(own)};
  for (const config::v1::Endpoint& endpoint : provider.endpoints()) {
    absl::StatusOr<std::string> key = ReadKey(name, endpoint, environment);
    if (!key.ok()) return key.status();
    keys.push_back(*std::move(key));
  }
  return keys;
}

/// A default model that no provider serves would fail every call that relies on it. `configured`: the environment makes
/// no providers beside those of the configuration.
absl::Status CheckDefaultProvider(const Config& config, bool configured) {
  const std::string& lm = config.default_lm();
  const std::string name = lm.substr(0, lm.find('/'));
  if (lm.empty() || config.providers().contains(name)) return absl::OkStatus();
  const std::string variables = configured ? "" : VariablesOf(name);
  return absl::InvalidArgumentError(absl::StrCat(
      "default_lm is '", lm, "', but there is no provider '", name, "'. ",
      variables.empty() ? "Add it below providers." : absl::StrCat("Set ", variables, ", or add it below providers.")));
}

absl::Status CheckFallbackProviders(const Config& config) {
  for (const auto& [pattern, fallback] : config.fallbacks()) {
    for (const std::string& model : fallback.models()) {
      const std::string name = model.substr(0, model.find('/'));
      if (config.providers().contains(name)) continue;
      return absl::InvalidArgumentError(absl::StrCat("fallbacks.", pattern, ".models names '", model,
                                                     "', but there is no provider '", name,
                                                     "'. Add it below providers."));
    }
  }
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<ResolvedConfig> Resolve(Config config, const Environment& environment) {
  const bool configured = !config.providers().empty();
  if (!configured) AddFromEnvironment(environment, config);
  ApplyDefaults(config);
  if (absl::Status status = Validate(config); !status.ok()) return status;
  if (absl::Status status = CheckDefaultProvider(config, configured); !status.ok()) return status;
  if (absl::Status status = CheckFallbackProviders(config); !status.ok()) return status;
  ResolvedConfig resolved;
  for (const auto& [name, provider] : config.providers()) {
    absl::StatusOr<std::vector<std::string>> keys = ReadKeys(name, provider, environment);
    if (!keys.ok()) return keys.status();
    resolved.providers.push_back(ResolvedProvider{name, provider, *std::move(keys)});
  }
  std::sort(resolved.providers.begin(), resolved.providers.end(),
            [](const ResolvedProvider& a, const ResolvedProvider& b) { return a.name < b.name; });
  resolved.settings = std::move(config);
  return resolved;
}

}  // namespace dspex
