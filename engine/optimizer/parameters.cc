#include "engine/optimizer/parameters.h"

#include <absl/strings/str_cat.h>

#include <algorithm>
#include <optional>
#include <utility>

#include "dspex/v1/program.pb.h"
#include "engine/base/error.h"
#include "engine/base/reasons.h"
#include "engine/program/build_module.h"
#include "engine/program/demo_json.h"
#include "engine/state/json_text.h"
#include "engine/state/program_predictors.h"

namespace dspex {

namespace {

constexpr absl::string_view kAugmented = "augmented";

absl::StatusOr<PredictorParameters> ReadPredictor(const v1::Module& module, const Signature& signature) {
  PredictorParameters parameters{.module = module.id(),
                                 .instructions = signature.instructions(),
                                 .demos = {},
                                 .prefix = signature.outputs().empty() ? "" : signature.outputs().back().prefix};
  for (const v1::Example& example : PredictorOf(module).demos()) {
    absl::StatusOr<Json> demo = DemoFromExample(example, signature);
    if (!demo.ok()) return WithFieldPrefix(demo.status(), absl::StrCat("demos[", parameters.demos.size(), "]"));
    parameters.demos.push_back(*std::move(demo));
  }
  return parameters;
}

bool HasAnyOf(const Json& demo, const std::vector<Field>& fields) {
  return fields.empty() || std::any_of(fields.begin(), fields.end(), [&demo](const Field& field) {
           const auto found = demo.find(field.name);
           return found != demo.end() && !found->is_null();
         });
}

// What an enforced module takes of a demo; nothing if it can show none of it.
std::optional<Json> OwnPart(const Json& demo, const Signature& signature) {
  if (!HasAnyOf(demo, signature.inputs()) || !HasAnyOf(demo, signature.outputs())) return std::nullopt;
  Json own = Json::object();
  for (const auto& [name, value] : demo.items()) {
    const bool is_field = signature.FindInput(name) != nullptr || signature.FindOutput(name) != nullptr;
    if (is_field || name == kAugmented) own[name] = value;
  }
  return own;
}

void WriteDemos(const std::vector<Json>& demos, const Signature& signature, bool enforced, v1::Predictor& predictor) {
  predictor.clear_demos();
  for (const Json& demo : demos) {
    const std::optional<Json> shown = enforced ? OwnPart(demo, signature) : demo;
    if (shown.has_value()) AppendOrjson(*predictor.add_demos()->mutable_fields_json(), *shown);
  }
}

void WriteInstructions(const std::string& instructions, v1::Predictor& predictor) {
  predictor.set_instructions(instructions);
  if (instructions.empty() && predictor.has_structured_signature()) {
    predictor.mutable_structured_signature()->clear_instructions();
  }
}

absl::Status WriteOne(const PredictorParameters& parameters, const ProgramPredictor& described, bool enforced,
                      v1::Module& module) {
  const absl::StatusOr<PredictorParameters> present = ReadPredictor(module, described.signature);
  if (!present.ok()) return present.status();
  v1::Predictor& predictor = PredictorOf(module);
  if (parameters.demos != present->demos) WriteDemos(parameters.demos, described.signature, enforced, predictor);
  if (parameters.instructions != present->instructions) WriteInstructions(parameters.instructions, predictor);
  if (parameters.prefix != present->prefix && !described.signature.outputs().empty()) {
    const std::string& name = described.signature.outputs().back().name;
    const bool is_inferred = parameters.prefix == MakeField(name, Type()).prefix;
    FieldOf(predictor, described, name).set_prefix(is_inferred ? "" : parameters.prefix);
  }
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<ProgramParameters> ReadParameters(const v1::Program& program) {
  const absl::StatusOr<std::vector<ProgramPredictor>> predictors = PredictorsOf(program);
  if (!predictors.ok()) return predictors.status();
  ProgramParameters parameters;
  for (const ProgramPredictor& described : *predictors) {
    absl::StatusOr<PredictorParameters> one = ReadPredictor(program.modules(described.module), described.signature);
    if (!one.ok()) return WithFieldPrefix(one.status(), absl::StrCat("modules[", described.module, "]"));
    parameters.push_back(*std::move(one));
  }
  return parameters;
}

absl::Status WriteParameters(const ProgramParameters& parameters, v1::Program& program) {
  const absl::StatusOr<std::vector<ProgramPredictor>> predictors = PredictorsOf(program);
  if (!predictors.ok()) return predictors.status();
  const auto is_its = [&program](const PredictorParameters& one, const ProgramPredictor& described) {
    return one.module == program.modules(described.module).id();
  };
  if (!std::equal(parameters.begin(), parameters.end(), predictors->begin(), predictors->end(), is_its)) {
    return Error(absl::StatusCode::kInvalidArgument, reason::kInvalidRequest,
                 "The parameters are not those of the program's modules. Give one set for each module, in their order.")
        .Violation("modules", "are others than those that the parameters name");
  }
  const bool enforced = IsEnforced(program);
  for (std::size_t i = 0; i < parameters.size(); ++i) {
    const ProgramPredictor& described = (*predictors)[i];
    const absl::Status status =
        WriteOne(parameters[i], described, enforced, *program.mutable_modules(described.module));
    if (!status.ok()) return WithFieldPrefix(status, absl::StrCat("modules[", described.module, "]"));
  }
  return absl::OkStatus();
}

}  // namespace dspex
