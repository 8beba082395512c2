#pragma once

#include <absl/status/status.h>

#include <vector>

#include "engine/state/program_predictors.h"
#include "engine/state/saved_state.h"

namespace dspex {

/// Whether the state can be one of a program with these predictors; STATE_MISMATCH if not.
absl::Status MatchState(const SavedState& state, const std::vector<ProgramPredictor>& predictors,
                        const v1::Program& program);

/// What a saved description says: null, nothing and "${name}" say nothing.
std::string SaidDescription(const SavedField& saved, absl::string_view name);

}  // namespace dspex
