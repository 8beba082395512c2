#pragma once

#include <absl/status/statusor.h>

#include "engine/signature/signature.h"

namespace dspex {

namespace v1 {
class Predictor;
}

/// The signature of a predictor.
struct PredictorSignature {
  /// As the predictor states it, with the types that it declares and its instructions.
  Signature own;
  /// What prompts are made of: with a ChainOfThought's reasoning, "reasoning: str" or the predictor's `rationale` under
  /// that name, as the first output, as dspy.ChainOfThought adds it.
  Signature extended;
};

/// Reads it. INVALID_ARGUMENT (INVALID_SIGNATURE, INVALID_JSON, ...) with paths within the predictor.
absl::StatusOr<PredictorSignature> ReadPredictorSignature(const v1::Predictor& predictor, bool is_chain_of_thought);

}  // namespace dspex
