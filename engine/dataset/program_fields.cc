#include <absl/strings/str_cat.h>

#include <algorithm>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "dspex/v1/program.pb.h"
#include "engine/base/error.h"
#include "engine/base/reasons.h"
#include "engine/dataset/example_schema.h"
#include "engine/program/predictor_signature.h"

namespace dspex {

namespace {

absl::StatusOr<Signature> ModuleFields(const v1::Module& module, std::size_t index) {
  const std::string path = absl::StrCat("modules[", index, "]");
  if (!module.has_predict() && !module.has_chain_of_thought()) {
    return Error(absl::StatusCode::kUnimplemented, reason::kUnsupported,
                 absl::StrCat("The fields of the module '", module.id(),
                              "' are not known, as it is neither a Predict nor a ChainOfThought. Give the dataset a "
                              "signature in place of the program."))
        .With("feature", "module")
        .Violation(path, "has no known fields");
  }
  const bool reasons = module.has_chain_of_thought();
  absl::StatusOr<PredictorSignature> signature =
      ReadPredictorSignature(reasons ? module.chain_of_thought() : module.predict(), reasons);
  if (!signature.ok()) {
    return WithFieldPrefix(signature.status(), absl::StrCat(path, reasons ? ".chain_of_thought" : ".predict"));
  }
  return std::move(signature->extended);
}

// A field of a module under the name that the program gives it.
void AddAs(const Field* field, const std::string& name, std::vector<Field>& fields) {
  if (field == nullptr ||
      std::any_of(fields.begin(), fields.end(), [&name](const Field& f) { return f.name == name; })) {
    return;
  }
  fields.push_back(*field);
  fields.back().name = name;
}

absl::StatusOr<Signature> GraphFields(const v1::Program& program, const std::map<std::string, Signature>& modules) {
  std::vector<Field> inputs;
  std::vector<Field> outputs;
  std::map<std::string, const Signature*> steps;
  for (const v1::Step& step : program.steps()) {
    const auto module = modules.find(step.module());
    if (module == modules.end()) continue;
    steps[step.id()] = &module->second;
    // In the signature's order; a map has none.
    for (const Field& field : module->second.inputs()) {
      const auto source = step.inputs().find(field.name);
      if (source == step.inputs().end() || source->second.find('.') != std::string::npos) continue;
      AddAs(&field, source->second, inputs);
    }
  }
  const std::map<std::string, std::string> named(program.outputs().begin(), program.outputs().end());
  for (const auto& [name, source] : named) {
    const std::size_t dot = source.find('.');
    const auto step = steps.find(source.substr(0, dot));
    if (dot == std::string::npos || step == steps.end()) continue;
    AddAs(step->second->FindOutput(source.substr(dot + 1)), name, outputs);
  }
  return Signature::FromFields(std::move(inputs), std::move(outputs));
}

}  // namespace

absl::StatusOr<Signature> FieldsOf(const v1::Program& program) {
  std::map<std::string, Signature> modules;
  for (int i = 0; i < program.modules_size(); ++i) {
    absl::StatusOr<Signature> fields = ModuleFields(program.modules(i), static_cast<std::size_t>(i));
    if (!fields.ok()) return fields.status();
    if (program.steps().empty()) return fields;
    modules.emplace(program.modules(i).id(), *std::move(fields));
  }
  return GraphFields(program, modules);
}

}  // namespace dspex
