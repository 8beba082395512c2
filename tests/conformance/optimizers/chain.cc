#include "tests/conformance/optimizers/chain.h"

#include <absl/strings/str_cat.h>

#include <algorithm>
#include <nlohmann/json.hpp>
#include <utility>

#include "engine/base/error.h"
#include "engine/base/reasons.h"
#include "engine/json/python_format.h"
#include "engine/program/build_module.h"
#include "engine/random/python_random.h"

namespace dspex {

namespace {

// The value of "field" or "step.field".
const Json& Find(const Json& inputs, const Json& steps, const std::string& reference) {
  const std::size_t dot = reference.find('.');
  return dot == std::string::npos ? inputs.at(reference)
                                  : steps.at(reference.substr(0, dot)).at(reference.substr(dot + 1));
}

const v1::Module& ModuleOf(const v1::Program& program, const v1::Step& step, std::size_t& place) {
  place = 0;
  while (program.modules(static_cast<int>(place)).id() != step.module()) ++place;
  return program.modules(static_cast<int>(place));
}

}  // namespace

Task<Example> ListedExamples::Get(std::int64_t index) const {
  co_return Example{absl::StrCat(index), examples_[static_cast<std::size_t>(index)]};
}

absl::StatusOr<double> CaseMetric::Score(const Json& example, const Json& outputs, bool traced) const {
  const std::string answer = PythonStr(outputs.at(definition.at("field").get<std::string>()));
  PythonRandom random(Crc32(absl::StrCat(PythonStr(example.at("question")), "|", answer, "|", traced ? "traced" : "")));
  if (random.Random() < definition.at("fail").get<double>()) {
    return Error(absl::StatusCode::kInvalidArgument, reason::kMetricFailed, "The case says so.");
  }
  if (definition.at("kind") == "graded") return static_cast<double>(random.RandInt(-1, 6)) / 7;
  return PythonStr(example.at(definition.at("expected").get<std::string>())) == answer ? 1.0 : 0.0;
}

Task<std::vector<ExampleOutcome>> ChainEvaluator::EvaluateCandidate(RequestContext context, const CandidateRun& run) {
  v1::Program program = run.teacher ? *setup_.teacher : *setup_.student;
  if (absl::Status status = WriteParameters(run.parameters, program); !status.ok()) co_return status;
  std::vector<std::int64_t> indices;
  for (std::int64_t i = 0; i < run.examples->size(); ++i) indices.push_back(i);
  if (run.indices.has_value()) indices = *run.indices;
  std::vector<ExampleOutcome> outcomes;
  int failures = 0;
  for (const std::int64_t index : indices) {
    absl::StatusOr<ExampleOutcome> outcome = co_await RunOne(context, program, run, index);
    if (!outcome.ok()) co_return outcome.status();
    if (!outcome->status.ok() && ++failures == setup_.max_errors && !run.indices.has_value()) {
      co_return Error(absl::StatusCode::kFailedPrecondition, reason::kTooManyFailures, "Too many examples failed.");
    }
    outcomes.push_back(*std::move(outcome));
  }
  co_return outcomes;
}

Task<ExampleOutcome> ChainEvaluator::RunOne(RequestContext context, const v1::Program& program, const CandidateRun& run,
                                            std::int64_t index) {
  const absl::StatusOr<Example> example = co_await run.examples->Get(index);
  if (!example.ok()) co_return example.status();
  const ProgramEnvironment environment{.language_models = setup_.models, .default_lm = "scripted/model"};
  const Json inputs = InputsOf(*example, run.examples->input_keys());
  ExampleOutcome outcome{.index = index};
  Json steps = Json::object();
  for (const v1::Step& step : program.steps()) {
    std::size_t place = 0;
    const v1::Module& definition = ModuleOf(program, step, place);
    const auto module = BuildModule(definition, program, setup_.phrasebook, environment);
    if (!module.ok()) co_return module.status();
    // In the signature's order, as the calls of the Python program name them.
    Json arguments = Json::object();
    for (const Field& field : (*module)->signature().inputs()) {
      arguments[field.name] = Find(inputs, steps, step.inputs().at(field.name));
    }
    absl::StatusOr<Prediction> prediction = co_await (*module)->Forward(context, arguments, run.call);
    if (!prediction.ok()) {
      outcome.status = prediction.status();
      co_return outcome;
    }
    outcome.trace.calls.push_back({place, arguments, prediction->outputs});
    steps[step.id()] = std::move(prediction->outputs);
  }
  Json outputs = Json::object();
  for (const auto& [name, reference] : program.outputs()) outputs[name] = Find(inputs, steps, reference);
  const absl::StatusOr<double> score = setup_.metric.Score(example->fields, outputs, run.capture_traces);
  outcome.status = score.status();
  if (score.ok()) outcome.score = *score;
  outcome.outputs = std::move(outputs);
  co_return outcome;
}

Task<std::vector<Json>> ChainProposer::Propose(RequestContext context, const std::string& /*lane*/,
                                               const v1::Predictor& predictor, Json inputs) {
  v1::Program program;
  program.set_validation(v1::VALIDATION_DSPY);
  v1::Module& definition = *program.add_modules();
  definition.set_id("propose");
  *definition.mutable_predict() = predictor;
  const auto module =
      BuildModule(definition, program, phrasebook_, {.language_models = models_, .default_lm = "scripted/model"});
  if (!module.ok()) co_return module.status();
  const Sampling call;
  absl::StatusOr<Prediction> prediction = co_await (*module)->Forward(context, std::move(inputs), call);
  if (!prediction.ok()) co_return prediction.status();
  if (prediction->answers.empty()) co_return std::vector<Json>{std::move(prediction->outputs)};
  std::vector<Json> answers;
  for (Answer& answer : prediction->answers) answers.push_back(std::move(answer.outputs));
  co_return answers;
}

}  // namespace dspex
