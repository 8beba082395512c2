#pragma once

#include <memory>
#include <optional>

#include "engine/optimizer/bootstrap_few_shot.h"
#include "engine/optimizer/optimization.h"

namespace dspex {

struct RandomSearchSettings {
  CommonSettings common = {};
  /// max_bootstrapped_demos, at least 1, is the most that a random candidate gets.
  BootstrapSettings bootstrap = {};
  int num_candidate_programs = 16;
  std::optional<double> stop_at_score = std::nullopt;
};

/// DSPy's BootstrapFewShotWithRandomSearch: the student without demos, with labelled ones, with bootstrapped ones, then
/// as many with bootstrapped ones of shuffled examples as asked for; the first with the highest score is the best.
std::unique_ptr<Optimizer> MakeRandomSearch(RandomSearchSettings settings);

}  // namespace dspex
