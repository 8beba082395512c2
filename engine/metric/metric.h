#pragma once

#include <absl/strings/string_view.h>

#include <string>

#include "engine/base/context.h"
#include "engine/base/task.h"
#include "engine/dataset/examples.h"
#include "engine/json/json.h"
#include "engine/module/module_trace.h"
#include "engine/module/prediction.h"

namespace dspex {

/// What a metric says of a prediction.
struct Score {
  /// Finite.
  double value = 0;
  /// Why; may be empty.
  std::string feedback;
};

/// What a metric sees. What it refers to outlives the call.
struct Scored {
  const Example& example;
  const Prediction& prediction;
  /// What the modules did; null unless demonstrations are bootstrapped.
  const ModuleTrace* trace = nullptr;
  /// Where the feedback is wanted of one module: its id, and its part of the trace.
  absl::string_view predictor = {};
  const ModuleTrace* predictor_trace = nullptr;
};

/// Scores predictions. Immutable and thread-safe.
class Metric {
 public:
  virtual ~Metric() = default;

  /// INVALID_ARGUMENT / METRIC_FAILED where there is no score: the example lacks a field, a script broke off, a score
  /// is no finite number. Errors of language models as they are. Consumption goes to the context's record.
  virtual Task<Score> Evaluate(RequestContext context, const Scored& scored) const = 0;
};

}  // namespace dspex
