#pragma once

#include <absl/strings/string_view.h>

#include <vector>

namespace dspex {

/// DSPy's EM: whether the text is one of the expected ones, as NormalizeText has them. `expected` is not empty.
bool ExactlyMatches(absl::string_view text, const std::vector<absl::string_view>& expected);

/// DSPy's F1: the harmonic mean of how many of the text's words are expected and how many of the expected ones it has,
/// words counted as often as they stand there; 0 without a common word. The best of several. `expected` is not empty.
double WordF1(absl::string_view text, const std::vector<absl::string_view>& expected);

}  // namespace dspex
