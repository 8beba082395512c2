#pragma once

#include <absl/status/statusor.h>
#include <absl/strings/string_view.h>

#include <string>
#include <vector>

#include "engine/signature/signature.h"

namespace dspex {

namespace v1 {
class Field;
class Module;
class Predictor;
class Program;
}  // namespace v1

/// A predictor of a program, as DSPy's named_parameters lists it.
struct ProgramPredictor {
  /// Its module's place.
  int module = 0;
  bool is_chain_of_thought = false;
  /// Where DSPy has it: as the state imported last says, else "" and "predict" for a program of one module, and
  /// "{module}", "{module}.predict" for others.
  std::string path;
  /// Whether an imported state says so.
  bool is_path_known = false;
  /// The signature that its module was given.
  Signature own;
  /// What its prompts are made of: a ChainOfThought's has the reasoning first.
  Signature signature;
};

/// The predictors in the order of their modules. INVALID_ARGUMENT / INVALID_SIGNATURE with the path of the field, as
/// Program::Create gives it; UNIMPLEMENTED / UNSUPPORTED for modules whose predictors dspex does not know.
absl::StatusOr<std::vector<ProgramPredictor>> PredictorsOf(const v1::Program& program);

/// The predictor of a module of PredictorsOf.
const v1::Predictor& PredictorOf(const v1::Module& module);
v1::Predictor& PredictorOf(v1::Module& module);

/// The field of that name of `predictor`, which `described` describes, as the program states it, to be changed. A
/// signature in the string form, which has no place for labels and descriptions, becomes a structured one.
v1::Field& FieldOf(v1::Predictor& predictor, const ProgramPredictor& described, absl::string_view name);

}  // namespace dspex
