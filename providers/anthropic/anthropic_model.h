#pragma once

#include <absl/status/statusor.h>

#include <memory>
#include <string>

#include "engine/lm/language_model.h"
#include "providers/http/client.h"
#include "providers/wire/prefix_cache.h"

namespace dspex::anthropic {

struct ModelOptions {
  /// The name it is configured by, "anthropic".
  std::string provider;
  /// As the provider knows it, "claude-sonnet-4-5".
  std::string model;
  /// Empty for servers that need none. Never printed.
  std::string api_key;
  lm::Capabilities capabilities;
};

/// A model behind Anthropic's messages API. `client` and `prefixes` are shared with other models and outlive it.
/// INVALID_ARGUMENT if the key cannot stand in a header.
absl::StatusOr<std::shared_ptr<lm::LanguageModel>> NewModel(ModelOptions options, http::Client& client,
                                                            PrefixCache& prefixes);

}  // namespace dspex::anthropic
