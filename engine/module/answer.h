#pragma once

#include <nlohmann/json.hpp>
#include <optional>
#include <vector>

#include "engine/json/json.h"
#include "engine/lm/token_logprob.h"

namespace dspex {

/// What one completion gave.
struct Answer {
  /// The output fields, in the signature's order.
  Json outputs;
  /// Of the completion's tokens; present where they were asked for, empty if the model gave none.
  std::optional<std::vector<lm::TokenLogprob>> logprobs = {};
};

}  // namespace dspex
