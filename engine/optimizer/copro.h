#pragma once

#include <memory>

#include "engine/optimizer/optimization.h"

namespace dspex {

struct CoproSettings {
  CommonSettings common = {};
  /// Proposals at a time, at least 2: the present instructions count as one of the first.
  int breadth = 10;
  int depth = 3;
  double init_temperature = 1.4;
};

/// DSPy's COPRO: a model proposes instructions (and prefixes of the last output field) for each module, and sees how
/// well its proposals did. Each try is a candidate. Demos stay as they are.
std::unique_ptr<Optimizer> MakeCopro(CoproSettings settings);

}  // namespace dspex
