#pragma once

#include <absl/strings/string_view.h>

#include <cstddef>
#include <vector>

#include "engine/json/json.h"

namespace dspex {

/// The place of the completion that wins as in `dspy.majority`: the first whose value of `field` is the one that most
/// have. Texts count by NormalizeText; what is empty then does not count, nor do null and a missing field, unless there
/// is nothing else. Of values that are equally frequent, the one that came first wins. Values that are no text, which
/// DSPy refuses, count as they print. `completions` are objects of output fields, at least one.
std::size_t MajorityIndex(const std::vector<Json>& completions, absl::string_view field);

}  // namespace dspex
