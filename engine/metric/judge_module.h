#pragma once

#include <absl/status/statusor.h>
#include <absl/strings/string_view.h>

#include <memory>
#include <string>

#include "engine/adapter/phrasebook.h"
#include "engine/base/context.h"
#include "engine/base/task.h"
#include "engine/metric/make_metric.h"
#include "engine/module/module.h"

namespace dspex {

namespace v1 {
class Module;
}

/// Builds a module that judges the program's predictions. Errors have paths that begin with "module".
absl::StatusOr<std::unique_ptr<const Module>> BuildJudgeModule(const v1::Module& module,
                                                               const MetricEnvironment& environment);

/// The wording of the program that is scored. NOT_FOUND / PHRASEBOOK_NOT_FOUND.
absl::StatusOr<std::shared_ptr<const Phrasebook>> FindJudgePhrasebook(const MetricEnvironment& environment);

/// Runs it as a part of what `context` works for.
Task<Prediction> RunJudge(RequestContext context, const Module& module, Json inputs);

/// An output of a judge as a number, which may be NaN or infinite; a bool is 1 or 0. METRIC_FAILED, metadata `field`,
/// if it is anything else.
absl::StatusOr<double> JudgedNumber(absl::string_view metric, const Prediction& judgement, const std::string& name);

}  // namespace dspex
