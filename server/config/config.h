#pragma once

#include <absl/status/statusor.h>
#include <absl/strings/string_view.h>

#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "dspex/config/v1/config.pb.h"

namespace dspex {

/// Looks up an environment variable; nothing if it is not set.
using Environment = std::function<std::optional<std::string>(const std::string& name)>;

/// The environment of this process.
Environment ProcessEnvironment();

/// Reads a configuration from YAML text; `file` is named in errors. Nothing is filled in or checked beyond the shape.
absl::StatusOr<config::v1::Config> ReadConfig(absl::string_view text, absl::string_view file);

/// ReadConfig of a file's contents.
absl::StatusOr<config::v1::Config> ReadConfigFile(const std::string& path);

/// Gives every unset field the default that config.proto states.
void ApplyDefaults(config::v1::Config& config);

/// Checks ranges, addresses and names of a configuration that has its defaults. INVALID_ARGUMENT names the key by its
/// path, "limits.max_in_flight", and says what it may be.
absl::Status Validate(const config::v1::Config& config);

/// A provider whose secret was looked up.
struct ResolvedProvider {
  /// What stands before "/" in a model's name.
  std::string name;
  config::v1::Provider settings;
  /// Of base_url, then of each endpoint; an empty one is not sent. Never logged, never part of an error.
  std::vector<std::string> api_keys;
};

/// What `dspex serve` runs with.
struct ResolvedConfig {
  /// Complete and valid.
  config::v1::Config settings;
  /// By name.
  std::vector<ResolvedProvider> providers;
};

/// Completes and checks `config`, and reads the secrets that it names. Without any provider, "openai" is made of the
/// environment's OPENAI_API_KEY and OPENAI_BASE_URL, if one of them is set, and "anthropic" of ANTHROPIC_API_KEY.
/// INVALID_ARGUMENT says what to change; for a secret it names the variable or file, never the value.
absl::StatusOr<ResolvedConfig> Resolve(config::v1::Config config, const Environment& environment);

}  // namespace dspex
