#pragma once

#include <vector>

#include "engine/lm/token_logprob.h"

namespace dspex {

namespace v1 {
class Logprobs;
}

/// Writes the tokens into the API's message, which must be empty.
void LogprobsToProto(const std::vector<lm::TokenLogprob>& logprobs, v1::Logprobs& proto);

}  // namespace dspex
