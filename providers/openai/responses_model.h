#pragma once

#include <absl/status/statusor.h>

#include <memory>

#include "engine/lm/language_model.h"
#include "providers/http/client.h"
#include "providers/openai/openai_model.h"
#include "providers/wire/prefix_cache.h"

namespace dspex::openai {

/// A model behind OpenAI's responses API. `client` and `prefixes` are shared with other models and outlive it.
/// INVALID_ARGUMENT if the key cannot stand in a header.
absl::StatusOr<std::shared_ptr<lm::LanguageModel>> NewResponsesModel(ModelOptions options, http::Client& client,
                                                                     PrefixCache& prefixes);

}  // namespace dspex::openai
