#pragma once

#include <string>
#include <vector>

#include "dspex/v1/program.pb.h"
#include "engine/adapter/phrasebook.h"
#include "engine/json/json.h"

namespace dspex {

/// What a module is told.
struct Proposal {
  std::string instructions;
  /// The prefix of the last output field.
  std::string prefix;

  bool operator==(const Proposal&) const = default;
};

/// A proposal that was tried, with its score.
struct ScoredProposal {
  Proposal proposal;
  double score = 0;
};

// How a model is asked for instructions, in a phrasebook's words or, where it has none for this, the built-in ones. A
// predictor's answers are read by ReadProposal.

/// Asks for better instructions, knowing only the present ones: `count` completions.
v1::Predictor FirstProposer(const Phrasebook& book, int count, double temperature);
Json FirstProposerInputs(const std::string& instructions);

/// Asks for better instructions, knowing what was tried, worst first.
v1::Predictor NextProposer(const Phrasebook& book, int count, double temperature);
Json NextProposerInputs(const Phrasebook& book, const std::vector<ScoredProposal>& attempts);

/// What a completion proposes, without quotes and white space around it.
Proposal ReadProposal(const Json& outputs);
/// The same of a text.
std::string TrimProposal(const std::string& text);

}  // namespace dspex
