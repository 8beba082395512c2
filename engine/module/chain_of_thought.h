#pragma once

#include <absl/status/statusor.h>

#include <memory>

#include "engine/module/module.h"
#include "engine/module/predict.h"

namespace dspex {

/// A Predict that reasons before it answers: its signature has the output `reasoning`. Its predictions tell the steps
/// of the reasoning, and what seems to be wrong with them.
absl::StatusOr<std::unique_ptr<const Module>> MakeChainOfThought(PredictSettings settings);

}  // namespace dspex
