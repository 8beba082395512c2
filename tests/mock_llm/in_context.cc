#include "tests/mock_llm/in_context.h"

#include <absl/strings/ascii.h>
#include <absl/strings/str_split.h>

#include <algorithm>
#include <iterator>

namespace dspex::mock_llm {
namespace {

struct BetweenWords {
  // What StrSplit asks of a delimiter: the first separator from a position on.
  absl::string_view Find(absl::string_view text, size_t from) const {
    while (from < text.size() && (absl::ascii_isalnum(text[from]) || !absl::ascii_isascii(text[from]))) ++from;
    return text.substr(from, from < text.size() ? 1 : 0);
  }
};

// Each word once, in order.
std::vector<std::string> WordsOf(absl::string_view text) {
  const std::string lower = absl::AsciiStrToLower(text);
  std::vector<std::string> words = absl::StrSplit(lower, BetweenWords(), absl::SkipEmpty());
  std::sort(words.begin(), words.end());
  words.erase(std::unique(words.begin(), words.end()), words.end());
  return words;
}

// The square of the cosine, without the factor of the message, which is the same for all demonstrations.
double Likeness(const std::vector<std::string>& message, const std::vector<std::string>& shown) {
  std::vector<std::string> shared;
  std::set_intersection(message.begin(), message.end(), shown.begin(), shown.end(), std::back_inserter(shared));
  const auto count = static_cast<double>(shared.size());
  return shown.empty() ? 0 : count * count / static_cast<double>(shown.size());
}

}  // namespace

const Demonstration* MostSimilar(const std::vector<Demonstration>& demonstrations, absl::string_view message) {
  const std::vector<std::string> words = WordsOf(message);
  const Demonstration* best = nullptr;
  double most = 0;
  for (const Demonstration& demonstration : demonstrations) {
    const double likeness = Likeness(words, WordsOf(demonstration.user));
    if (likeness < most) continue;
    best = &demonstration;
    most = likeness;
  }
  return best;
}

}  // namespace dspex::mock_llm
