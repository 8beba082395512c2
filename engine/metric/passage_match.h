#pragma once

#include <absl/strings/string_view.h>

#include <vector>

namespace dspex {

/// DSPy's answer_passage_match: whether one of the passages has the words of one of the answers side by side. Both are
/// normalised by NormalizeText first; a word is a run of letters, digits and marks, or any other character that is
/// visible. An answer without words is in every passage.
bool AnyPassageHasAnswer(const std::vector<absl::string_view>& passages, const std::vector<absl::string_view>& answers);

}  // namespace dspex
