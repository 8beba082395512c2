#pragma once

#include <absl/status/statusor.h>

#include <string>
#include <vector>

#include "dspex/v1/program.pb.h"
#include "engine/state/saved_state.h"

namespace dspex {

struct ApplyStateOptions {
  /// Keep where a language model's requests went (api_base, base_url, model_list) for the way back to DSPy. They never
  /// say where this server's requests go.
  bool keep_endpoints = false;
  /// The state was saved of this very program: its demos stay, which may have types where the state has texts. What the
  /// state says of them is kept for the way back.
  bool keep_demos = false;
};

struct AppliedState {
  v1::Program program;
  /// What of the state has no effect here, and why; for people.
  std::vector<std::string> warnings;
};

/// The program with what the state learned: instructions, descriptions, prefixes, demos with all their keys, the
/// language model and those of its settings that a program has. What has no place is kept in program.saved_state, for
/// StateOf. A sampling option that the program sets itself stays in force, as a Predict's config does in DSPy, unless
/// an earlier state brought it.
///
/// A state has neither names nor types of fields, so DSPy puts any state into any program. Here INVALID_ARGUMENT /
/// STATE_MISMATCH, metadata `path`, `field`, `expected` and `actual`, refuses another number, order or kind of
/// predictors, another number of fields, and fields whose labels are those of others. UNIMPLEMENTED / UNSUPPORTED as
/// PredictorsOf and ReadLmRecord.
absl::StatusOr<AppliedState> ApplyState(v1::Program program, const SavedState& state,
                                        const ApplyStateOptions& options = {});

}  // namespace dspex
