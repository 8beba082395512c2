#include "engine/evaluate/statistics.h"

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <numeric>
#include <random>

namespace dspex {

namespace {

constexpr std::size_t kLarge = 2000;
constexpr int kResamples = 4000;
constexpr int kFlips = 10'000;
constexpr std::size_t kAllFlips = 16;
constexpr std::uint64_t kSeed = 20'240'601;
// Of the standard normal distribution.
constexpr double kQuantile975 = 1.959963984540054;

double Mean(const std::vector<double>& values) {
  return std::accumulate(values.begin(), values.end(), 0.0) / static_cast<double>(values.size());
}

// std::uniform_int_distribution gives other numbers with other libraries. Of 32 random bits, by a multiplication: most
// of a resample's time would go into divisions.
std::size_t Below(std::uint64_t bits, std::uint64_t bound) { return static_cast<std::size_t>((bits * bound) >> 32U); }

// Of as many values as there are, drawn with replacement.
double ResampledMean(const std::vector<double>& values, std::mt19937_64& random) {
  double sum = 0;
  for (std::size_t i = 0; i + 1 < values.size(); i += 2) {
    const std::uint64_t bits = random();
    sum += values[Below(bits & 0xffffffffU, values.size())] + values[Below(bits >> 32U, values.size())];
  }
  if (values.size() % 2 != 0) sum += values[Below(random() >> 32U, values.size())];
  return sum / static_cast<double>(values.size());
}

double Percentile(std::vector<double>& sorted, double part) {
  const auto at = static_cast<std::size_t>(std::floor(part * static_cast<double>(sorted.size() - 1) + 0.5));
  return sorted[at];
}

double NormalPValue(const std::vector<double>& differences) {
  // Under the hypothesis the variance of the sum is the sum of squares.
  const double sum = std::accumulate(differences.begin(), differences.end(), 0.0);
  const double squares =
      std::accumulate(differences.begin(), differences.end(), 0.0, [](double s, double d) { return s + d * d; });
  return std::erfc(std::abs(sum) / std::sqrt(squares) / std::sqrt(2.0));
}

}  // namespace

double StandardDeviation(const std::vector<double>& values) {
  if (values.size() < 2) return 0;
  const double mean = Mean(values);
  double squares = 0;
  for (const double value : values) squares += (value - mean) * (value - mean);
  return std::sqrt(squares / static_cast<double>(values.size() - 1));
}

ConfidenceInterval MeanInterval(const std::vector<double>& values) {
  const double mean = Mean(values);
  if (values.size() >= kLarge) {
    const double half = kQuantile975 * StandardDeviation(values) / std::sqrt(static_cast<double>(values.size()));
    return {mean - half, mean + half};
  }
  std::mt19937_64 random(kSeed);
  std::vector<double> means(kResamples);
  for (double& resampled : means) resampled = ResampledMean(values, random);
  std::sort(means.begin(), means.end());
  return {Percentile(means, 0.025), Percentile(means, 0.975)};
}

double PermutationPValue(const std::vector<double>& differences) {
  std::vector<double> moved;
  std::copy_if(differences.begin(), differences.end(), std::back_inserter(moved), [](double d) { return d != 0; });
  if (moved.empty()) return 1;
  if (moved.size() >= kLarge) return NormalPValue(moved);
  const double observed = std::abs(std::accumulate(moved.begin(), moved.end(), 0.0));
  // A sum in another order may be off in its last digits.
  const double enough = observed - 1e-9 * std::max(1.0, observed);
  const bool all = moved.size() <= kAllFlips;
  const std::uint64_t flips = all ? std::uint64_t{1} << moved.size() : kFlips;
  std::mt19937_64 random(kSeed);
  std::uint64_t extreme = 0;
  for (std::uint64_t flip = 0; flip < flips; ++flip) {
    double sum = 0;
    std::uint64_t bits = flip;
    for (std::size_t i = 0; i < moved.size(); ++i) {
      if (!all && i % 64 == 0) bits = random();
      sum += (bits & 1U) != 0 ? moved[i] : -moved[i];
      bits >>= 1U;
    }
    if (std::abs(sum) >= enough) ++extreme;
  }
  // The observed signs are one of the flips, whether they were drawn or not.
  if (all) return static_cast<double>(extreme) / static_cast<double>(flips);
  return static_cast<double>(extreme + 1) / static_cast<double>(flips + 1);
}

}  // namespace dspex
