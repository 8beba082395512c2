#pragma once

#include <absl/status/statusor.h>

#include <memory>
#include <string>

#include "engine/lm/language_model.h"
#include "providers/http/client.h"
#include "providers/wire/http_model.h"
#include "providers/wire/prefix_cache.h"

namespace dspex::openai {

struct ModelOptions {
  /// The name it is configured by, "openai".
  std::string provider;
  /// As the provider knows it, "gpt-4o-mini".
  std::string model;
  /// Empty for servers that need none. Never printed.
  std::string api_key;
  lm::Capabilities capabilities;
};

/// What OpenAI's APIs have in common, for a path below the base URL.
wire::HttpModelOptions HttpOptions(ModelOptions options, absl::string_view path);

/// A model behind OpenAI's chat completions. `client` and `prefixes` are shared with other models and outlive it.
/// INVALID_ARGUMENT if the key cannot stand in a header.
absl::StatusOr<std::shared_ptr<lm::LanguageModel>> NewModel(ModelOptions options, http::Client& client,
                                                            PrefixCache& prefixes);

}  // namespace dspex::openai
