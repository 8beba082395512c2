#pragma once

#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <vector>

#include "engine/json/json.h"
#include "engine/lm/token_logprob.h"
#include "engine/module/answer.h"
#include "engine/module/reasoning_steps.h"

namespace dspex {

/// What a module or a program answered. Usage and trace are in the request's record.
struct Prediction {
  /// The output fields, in the signature's order.
  Json outputs;
  /// Of the answer that the outputs are of; see Answer.
  std::optional<std::vector<lm::TokenLogprob>> logprobs;
  /// All answers in order, where several were asked for; empty otherwise.
  std::vector<Answer> answers;
  /// What the caller should know though the call went well.
  std::vector<std::string> warnings;
  /// Of a ChainOfThought: its reasoning by steps.
  std::optional<Reasoning> reasoning;
};

}  // namespace dspex
