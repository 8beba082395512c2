#pragma once

#include <absl/strings/string_view.h>

#include <cstddef>
#include <vector>

#include "engine/module/answer.h"

namespace dspex {

/// The place of the completion that wins as in `dspy.majority`: the first whose value of `field` is the one that most
/// have. Texts count by NormalizeText; what is empty then does not count, nor do null and a missing field, unless there
/// is nothing else. Of values that are equally frequent, the one that came first wins. Values that are no text, which
/// DSPy refuses, count as they print. There is at least one answer.
std::size_t MajorityIndex(const std::vector<Answer>& answers, absl::string_view field);

}  // namespace dspex
