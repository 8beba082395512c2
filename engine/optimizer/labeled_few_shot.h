#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include "engine/base/task.h"
#include "engine/optimizer/optimization.h"

namespace dspex {

/// DSPy's LabeledFewShot on `parameters`: each module that learns gets the first `k` of the trainset's examples, or, if
/// `sample`, as many by one generator with the seed 0 for all modules. `order` holds the examples as they are looked
/// at. References outlive the task.
Task<ProgramParameters> WithLabeledDemos(const Optimization& run, ProgramParameters parameters,
                                         const std::vector<std::int64_t>& order, int k, bool sample);

struct LabeledFewShotSettings {
  CommonSettings common = {};
  int k = 16;
  bool in_order = false;
};

/// Its only candidate is not scored.
std::unique_ptr<Optimizer> MakeLabeledFewShot(LabeledFewShotSettings settings);

}  // namespace dspex
