#pragma once

#include <vector>

#include "engine/lm/token_logprob.h"
#include "providers/wire/json.h"

/// What all of OpenAI's dialects have in common. Included by .cc files only.
namespace dspex::openai {

/// Appends the entries of the list that `object` has under `key`: {"token", "logprob", "bytes", "top_logprobs"}. What
/// is none is left out: nothing of an answer depends on it.
void AppendLogprobs(wire::dom::object object, std::string_view key, std::vector<lm::TokenLogprob>& logprobs);

}  // namespace dspex::openai
