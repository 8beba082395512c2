#pragma once

#include <absl/status/statusor.h>

#include <memory>
#include <string>
#include <vector>

#include "engine/metric/metric.h"
#include "engine/program/program.h"

namespace dspex {

namespace v1 {
class Metric;
class Program;
}  // namespace v1

/// What the surroundings add to a metric's definition.
struct MetricEnvironment {
  /// The program that is scored: judges have its phrasebook, adapter and validation, and its language model where
  /// nothing else names one. Outlives the metric's creation.
  const v1::Program* program = nullptr;
  /// The program's outputs, in order.
  std::vector<std::string> outputs;
  /// What the modules of judges are built with. Its language models outlive the metric.
  ProgramEnvironment judges;
  /// "provider/model" of judges that name none; empty: the program's.
  std::string judge_lm;
};

/// Builds a metric. INVALID_ARGUMENT (INVALID_REQUEST; of a judge's module also INVALID_PROGRAM, INVALID_SIGNATURE,
/// ...) with a BadRequest violation that has the path of the field within the metric
/// ("weighted.metrics[0].metric.lua.script"). That a judge's language model is not configured is an error of Evaluate.
absl::StatusOr<std::shared_ptr<const Metric>> MakeMetric(const v1::Metric& definition,
                                                         const MetricEnvironment& environment);

}  // namespace dspex
