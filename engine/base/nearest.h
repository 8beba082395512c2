#pragma once

#include <absl/strings/string_view.h>

#include <string>
#include <vector>

namespace dspex {

/// The candidate that `word` is most likely a misspelling of, by edit distance; empty if none is near.
std::string Nearest(absl::string_view word, const std::vector<std::string>& candidates);

}  // namespace dspex
