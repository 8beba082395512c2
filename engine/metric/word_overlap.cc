#include "engine/metric/word_overlap.h"

#include <absl/container/flat_hash_map.h>
#include <absl/strings/str_split.h>

#include <algorithm>
#include <cstddef>
#include <string>

#include "engine/metric/normalize.h"

namespace dspex {

namespace {

using Words = std::vector<absl::string_view>;

Words SplitWords(absl::string_view normalized) { return absl::StrSplit(normalized, ' ', absl::SkipEmpty()); }

double WordF1(const Words& words, const Words& expected) {
  absl::flat_hash_map<absl::string_view, std::size_t> left;
  for (const absl::string_view word : expected) ++left[word];
  std::size_t common = 0;
  for (const absl::string_view word : words) {
    const auto found = left.find(word);
    if (found == left.end() || found->second == 0) continue;
    --found->second;
    ++common;
  }
  if (common == 0) return 0;
  const double precision = static_cast<double>(common) / static_cast<double>(words.size());
  const double recall = static_cast<double>(common) / static_cast<double>(expected.size());
  // In this order: the last bit is Python's.
  return (2 * precision * recall) / (precision + recall);
}

}  // namespace

bool ExactlyMatches(absl::string_view text, const std::vector<absl::string_view>& expected) {
  const std::string normalized = NormalizeText(text);
  return std::any_of(expected.begin(), expected.end(),
                     [&](absl::string_view one) { return NormalizeText(one) == normalized; });
}

double WordF1(absl::string_view text, const std::vector<absl::string_view>& expected) {
  const std::string normalized = NormalizeText(text);
  const Words words = SplitWords(normalized);
  double best = 0;
  for (const absl::string_view one : expected) {
    const std::string normalized_one = NormalizeText(one);
    best = std::max(best, WordF1(words, SplitWords(normalized_one)));
  }
  return best;
}

}  // namespace dspex
