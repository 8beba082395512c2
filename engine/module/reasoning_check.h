#pragma once

#include <vector>

#include "engine/module/reasoning_steps.h"

namespace dspex {

/// What seems wrong with the steps, in their order: references ("from step 5", "steps 2 and 3", "step two") to steps
/// that are missing or come later, steps that say nothing, steps that say again what one said. Steps count by the
/// numbers that the text gives them, or, where it gives none, from 1. Linear in their length.
std::vector<ReasoningIssue> CheckReasoning(const std::vector<ReasoningStep>& steps);

}  // namespace dspex
