#include "engine/state/program_predictors.h"

#include <absl/strings/str_cat.h>

#include <utility>

#include "dspex/v1/program.pb.h"
#include "engine/base/error.h"
#include "engine/base/reasons.h"
#include "engine/program/predictor_signature.h"

namespace dspex {

namespace {

std::string DefaultPath(const v1::Program& program, const v1::Module& module) {
  const bool is_chain = module.kind_case() == v1::Module::kChainOfThought;
  if (program.modules_size() == 1) return is_chain ? "predict" : "";
  return is_chain ? absl::StrCat(module.id(), ".predict") : module.id();
}

void AddFields(const std::vector<Field>& fields, google::protobuf::RepeatedPtrField<v1::Field>& protos) {
  for (const Field& field : fields) {
    v1::Field& proto = *protos.Add();
    proto.set_name(field.name);
    if (!field.untyped) proto.set_type(field.type.ToNotation());
  }
}

absl::Status Unsupported(const v1::Module& module, absl::string_view path) {
  const auto* kind = v1::Module::descriptor()->FindFieldByNumber(module.kind_case());
  const std::string name = kind == nullptr ? "none" : kind->name();
  return Error(absl::StatusCode::kUnimplemented, reason::kUnsupported,
               absl::StrCat(path, " is of the kind ", name,
                            ", whose saved state this server does not know yet. Use predict or chain_of_thought."))
      .With("feature", name)
      .Violation(path, "has no saved state");
}

}  // namespace

absl::StatusOr<std::vector<ProgramPredictor>> PredictorsOf(const v1::Program& program) {
  std::vector<ProgramPredictor> predictors;
  const bool is_imported = program.saved_state().predictors_size() == program.modules_size();
  for (int i = 0; i < program.modules_size(); ++i) {
    const v1::Module& module = program.modules(i);
    const std::string path = absl::StrCat("modules[", i, "]");
    if (!module.has_predict() && !module.has_chain_of_thought()) return Unsupported(module, path);
    const bool is_chain_of_thought = module.has_chain_of_thought();
    absl::StatusOr<PredictorSignature> read = ReadPredictorSignature(PredictorOf(module), is_chain_of_thought);
    if (!read.ok()) {
      return WithFieldPrefix(read.status(), absl::StrCat(path, is_chain_of_thought ? ".chain_of_thought" : ".predict"));
    }
    predictors.push_back(
        {.module = i,
         .is_chain_of_thought = is_chain_of_thought,
         .path = is_imported ? program.saved_state().predictors(i).path() : DefaultPath(program, module),
         .is_path_known = is_imported,
         .own = std::move(read->own),
         .signature = std::move(read->extended)});
  }
  return predictors;
}

const v1::Predictor& PredictorOf(const v1::Module& module) {
  return module.has_chain_of_thought() ? module.chain_of_thought() : module.predict();
}

v1::Predictor& PredictorOf(v1::Module& module) {
  return module.has_chain_of_thought() ? *module.mutable_chain_of_thought() : *module.mutable_predict();
}

v1::Field& FieldOf(v1::Predictor& predictor, const ProgramPredictor& described, absl::string_view name) {
  const Signature& own = described.own;
  if (described.signature.FindOutput(name) != nullptr && own.FindOutput(name) == nullptr) {
    return *predictor.mutable_rationale();
  }
  if (!predictor.has_structured_signature()) {
    v1::Signature& structured = *predictor.mutable_structured_signature();
    AddFields(own.inputs(), *structured.mutable_inputs());
    AddFields(own.outputs(), *structured.mutable_outputs());
  }
  v1::Signature& structured = *predictor.mutable_structured_signature();
  for (int i = 0; i < structured.outputs_size(); ++i) {
    if (own.outputs()[static_cast<std::size_t>(i)].name == name) return *structured.mutable_outputs(i);
  }
  for (int i = 0; i < structured.inputs_size(); ++i) {
    if (own.inputs()[static_cast<std::size_t>(i)].name == name) return *structured.mutable_inputs(i);
  }
  return *structured.mutable_outputs(0);  // Not reached: the names are the signature's.
}

}  // namespace dspex
