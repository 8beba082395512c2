#include "engine/metric/judge_module.h"

#include <absl/strings/str_cat.h>

#include <nlohmann/json.hpp>
#include <utility>

#include "dspex/v1/program.pb.h"
#include "engine/base/error.h"
#include "engine/metric/plain_metric.h"
#include "engine/program/build_module.h"
#include "engine/program/validate.h"

namespace dspex {

namespace {

// What a program says to its modules, for a judge.
v1::Program JudgesProgram(const MetricEnvironment& environment) {
  const v1::Program& scored = *environment.program;
  v1::Program program;
  program.set_lm(environment.judge_lm.empty() ? scored.lm() : environment.judge_lm);
  if (scored.has_adapter()) *program.mutable_adapter() = scored.adapter();
  program.set_phrasebook(scored.phrasebook());
  program.set_validation(scored.validation());
  return program;
}

}  // namespace

absl::StatusOr<std::shared_ptr<const Phrasebook>> FindJudgePhrasebook(const MetricEnvironment& environment) {
  return FindPhrasebook(*environment.program, environment.judges);
}

absl::StatusOr<std::unique_ptr<const Module>> BuildJudgeModule(const v1::Module& module,
                                                               const MetricEnvironment& environment) {
  if (absl::Status status = ValidateModule(module, "module"); !status.ok()) return status;
  auto phrasebook = FindJudgePhrasebook(environment);
  if (!phrasebook.ok()) return phrasebook.status();
  auto built = BuildModule(module, JudgesProgram(environment), *std::move(phrasebook), environment.judges);
  if (!built.ok()) return WithFieldPrefix(built.status(), "module");
  return built;
}

Task<Prediction> RunJudge(RequestContext context, const Module& module, Json inputs) {
  const RequestContext child = context.Child(module.id());
  const Sampling own;
  absl::StatusOr<Prediction> judgement = co_await module.Forward(child, std::move(inputs), own);
  child.EndNode();
  co_return judgement;
}

absl::StatusOr<double> JudgedNumber(absl::string_view metric, const Prediction& judgement, const std::string& name) {
  const auto found = judgement.outputs.find(name);
  const Json value = found == judgement.outputs.end() ? Json() : *found;
  if (value.is_boolean()) return value.get<bool>() ? 1.0 : 0.0;
  if (value.is_number()) return value.get<double>();
  return MetricFailed(metric, absl::StrCat("The judge's '", name, "' is ", KindOf(value),
                                           ". A score is a finite number or a bool."))
      .With("field", name)
      .With("score", KindOf(value));
}

}  // namespace dspex
