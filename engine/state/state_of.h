#pragma once

#include <absl/status/statusor.h>
#include <absl/strings/string_view.h>

#include <functional>
#include <string>
#include <utility>
#include <vector>

#include "dspex/v1/program.pb.h"
#include "engine/signature/signature.h"
#include "engine/state/saved_state.h"

namespace dspex {

struct StateOfOptions {
  /// The sentence that stands for the instructions of a signature that has none (the phrasebook's), which DSPy saves
  /// like any other. Unset: no instructions.
  std::function<std::string(const Signature&)> default_instructions;
  /// dependency_versions of a program that never had a state imported: {"dspy", "3.4.1"}, ...
  std::vector<std::pair<std::string, std::string>> dependency_versions;
};

/// The program's state as DSPy would save it. Of a program that a state was imported into and nothing was changed in
/// since, it is that state, to the byte when written, if DSPy wrote it and all of it was kept. Otherwise instructions,
/// prefixes, descriptions, demos and the language model are those that the program has now; the rest is the imported
/// state's, or what DSPy starts with.
///
/// INVALID_ARGUMENT: INVALID_JSON or INVALID_STATE if program.saved_state or a demo is malformed. Others as
/// PredictorsOf.
absl::StatusOr<SavedState> StateOf(const v1::Program& program, const StateOfOptions& options = {});

}  // namespace dspex
