#pragma once

#include <absl/strings/string_view.h>

#include <string>
#include <vector>

namespace dspex::mock_llm {

/// A turn of the user before the last one, and what the model is shown to have answered.
struct Demonstration {
  std::string user;
  std::string assistant;
};

/// The demonstration whose turn is most like a message; null if there is none.
///
/// The likeness is the cosine of the sets of words, which are runs of ASCII letters and digits, in any case, and of all
/// that is not ASCII. Of several that are alike, the last.
const Demonstration* MostSimilar(const std::vector<Demonstration>& demonstrations, absl::string_view message);

}  // namespace dspex::mock_llm
