#pragma once

#include <optional>

#include "engine/lm/language_model.h"

namespace dspex {

/// How a module's language model is asked, or, where only some of it is set, what of that a call changes.
struct Sampling {
  lm::Options options = {};
  /// How many completions; 1 if unset.
  std::optional<int> n = std::nullopt;

  int completions() const { return n.value_or(1); }

  bool operator==(const Sampling&) const = default;
};

/// `base` with what `changes` sets. Tools and response format are not a caller's to change.
Sampling Merge(Sampling base, const Sampling& changes);

/// DSPy's rule: several completions of a low temperature would be one completion several times, so a temperature that
/// is unset or at most 0.15 becomes 0.7 where several are asked for.
void SpreadTemperature(Sampling& sampling);

}  // namespace dspex
