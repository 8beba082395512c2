#pragma once

#include <absl/status/statusor.h>
#include <nlohmann/json.hpp>

#include <string>
#include <vector>

#include "engine/json/json.h"

namespace dspex {

namespace v1 {
class Program;
}

/// What is learned of one module of a program.
struct PredictorParameters {
  /// The module's id.
  std::string module;
  /// As the module's own prompts have them, without common indentation; empty: the sentence that names the fields.
  std::string instructions;
  /// Objects of field values; those that a program made itself have `"augmented": true` first, as DSPy marks them.
  std::vector<Json> demos;
  /// The prefix of the last output field.
  std::string prefix;

  bool operator==(const PredictorParameters&) const = default;
};

/// In the order of the program's modules.
using ProgramParameters = std::vector<PredictorParameters>;

/// The parameters that a valid program has. Errors as PredictorsOf's, and of demos that are not well formed.
absl::StatusOr<ProgramParameters> ReadParameters(const v1::Program& program);

/// Puts parameters of the same modules into the program; what is as it was stays untouched. Demos are written as DSPy
/// saves them: with all their fields, those of other modules too, which its adapters then leave out. A program whose
/// values are enforced takes no such fields; there a demo keeps the module's own, and one that lacks all inputs or all
/// outputs goes. INVALID_ARGUMENT / INVALID_REQUEST if the modules are others.
absl::Status WriteParameters(const ProgramParameters& parameters, v1::Program& program);

}  // namespace dspex
