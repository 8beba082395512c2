#include "engine/optimizer/candidate_evaluator.h"

#include <array>
#include <charconv>

namespace dspex {

double PercentScore(const std::vector<ExampleOutcome>& outcomes) {
  double sum = 0;
  for (const ExampleOutcome& outcome : outcomes) sum += outcome.score;
  const double percent = 100 * sum / static_cast<double>(outcomes.size());
  // Python rounds the exact value of the double, which its decimal digits are; room for the largest.
  std::array<char, 400> digits{};
  const auto [end, _] = std::to_chars(digits.begin(), digits.end(), percent, std::chars_format::fixed, 2);
  double rounded = percent;
  std::from_chars(digits.begin(), end, rounded);
  return rounded;
}

}  // namespace dspex
