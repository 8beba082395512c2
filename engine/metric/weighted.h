#pragma once

#include <memory>
#include <string>
#include <vector>

#include "engine/metric/metric.h"

namespace dspex {

/// One of several metrics that make a score together.
struct WeightedPart {
  /// For people.
  std::string name;
  /// Above 0.
  double weight = 1;
  std::shared_ptr<const Metric> metric;
};

/// The weighted mean of at least one metric, asked in order; the first error is its own. Its feedback has a line for
/// each part: name, score and what the part said.
std::shared_ptr<const Metric> NewWeightedMetric(std::vector<WeightedPart> parts);

}  // namespace dspex
