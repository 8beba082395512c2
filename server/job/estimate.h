#pragma once

#include <cstdint>
#include <set>
#include <string>

#include "dspex/v1/optimizer_service.pb.h"
#include "engine/base/money.h"
#include "engine/dataset/examples.h"
#include "engine/program/program.h"
#include "providers/price_table.h"

namespace dspex {

/// What predictions of a program take, reckoned by the prompts of its first examples.
struct PredictionEstimate {
  std::int64_t lm_calls = 0;
  std::int64_t input_tokens = 0;
  std::int64_t output_tokens = 0;
  /// Unset where a model has no price.
  std::optional<Money> cost = Money();
};

/// Of one prediction. Demos that an optimizer adds are not in it.
Task<PredictionEstimate> EstimatePrediction(const v1::Program& definition, const Program& program,
                                            const Examples& examples, const PriceTable& prices,
                                            const std::string& default_lm);

/// Adds `count` predictions.
void AddEstimate(const PredictionEstimate& one, std::int64_t count, v1::Estimate& estimate);

/// The models that a program's modules call, "provider/model".
std::set<std::string> ModelsOf(const v1::Program& program, const std::string& default_lm);

/// How many predictions of programs an optimizer makes at most with so many examples.
std::int64_t PredictionsOf(const v1::CompileSpec& spec, int modules, std::int64_t train, std::int64_t val);

/// How many candidates it makes; 0 if that is not known.
int CandidatesOf(const v1::CompileSpec& spec);

}  // namespace dspex
