#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include "engine/base/context.h"
#include "engine/base/task.h"
#include "engine/optimizer/optimization.h"

namespace dspex {

struct BootstrapSettings {
  int max_bootstrapped_demos = 4;
  int max_labeled_demos = 16;
  int max_rounds = 1;
  /// The score that makes a success; 0: any that is not 0.
  double metric_threshold = 0;
};

/// The candidate that DSPy's BootstrapFewShot makes of a trainset in this order: the teacher's steps become demos where
/// the metric likes its answer; labelled examples fill up. References outlive the task.
///
/// A teacher that has demos which a program made itself keeps its demos; any other is given labelled ones, and so is a
/// student that teaches itself. (DSPy asks whether the program came out of an optimizer in this process.) Of a module
/// that is called several times for an example the last call becomes the demo. Frozen modules stay as they are.
Task<ProgramParameters> Bootstrap(RequestContext context, const Optimization& run, BootstrapSettings settings,
                                  const std::vector<std::int64_t>& order);

struct BootstrapFewShotSettings {
  CommonSettings common = {};
  BootstrapSettings bootstrap = {};
};

/// Its only candidate is not scored.
std::unique_ptr<Optimizer> MakeBootstrapFewShot(BootstrapFewShotSettings settings);

}  // namespace dspex
