#include "engine/evaluate/statistics.h"

#include <gtest/gtest.h>

#include <cmath>

namespace dspex {
namespace {

std::vector<double> Coins(int heads, int tails) {
  std::vector<double> values(static_cast<std::size_t>(heads), 100.0);
  values.insert(values.end(), static_cast<std::size_t>(tails), 0.0);
  return values;
}

TEST(StatisticsTest, TheIntervalOfAMeanIsThatOfTheNormalApproximation) {
  // 60 of 100: 60 +- 1.96 * 4.9.
  const ConfidenceInterval interval = MeanInterval(Coins(60, 40));
  EXPECT_NEAR(interval.low, 50.4, 1.5);
  EXPECT_NEAR(interval.high, 69.6, 1.5);
  const ConfidenceInterval large = MeanInterval(Coins(6000, 4000));
  EXPECT_NEAR(large.low, 59.04, 0.01);
  EXPECT_NEAR(large.high, 60.96, 0.01);
}

TEST(StatisticsTest, TheSameValuesGiveTheSameInterval) {
  const ConfidenceInterval first = MeanInterval(Coins(7, 13));
  const ConfidenceInterval second = MeanInterval(Coins(7, 13));
  EXPECT_EQ(first.low, second.low);
  EXPECT_EQ(first.high, second.high);
  const ConfidenceInterval point = MeanInterval({42});
  EXPECT_EQ(point.low, 42);
  EXPECT_EQ(point.high, 42);
}

TEST(StatisticsTest, FewDifferencesAreFlippedInEveryWay) {
  // Only the observed signs and their opposites are as extreme: 2 of 2^5.
  EXPECT_DOUBLE_EQ(PermutationPValue({1, 1, 1, 1, 1}), 2.0 / 32);
  EXPECT_DOUBLE_EQ(PermutationPValue({1, -1}), 1.0);
  EXPECT_DOUBLE_EQ(PermutationPValue({0, 0, 0}), 1.0);
  EXPECT_DOUBLE_EQ(PermutationPValue({}), 1.0);
  // What did not change says nothing.
  EXPECT_DOUBLE_EQ(PermutationPValue({1, 0, 1, 0, 1, 1, 1}), 2.0 / 32);
}

TEST(StatisticsTest, ManyDifferencesAreSampled) {
  std::vector<double> chance;
  std::vector<double> gain;
  for (int i = 0; i < 200; ++i) {
    chance.push_back(i % 2 == 0 ? 1 : -1);
    gain.push_back(i % 4 == 0 ? -1 : 1);
  }
  EXPECT_DOUBLE_EQ(PermutationPValue(chance), 1.0);
  EXPECT_LT(PermutationPValue(gain), 0.001);
}

TEST(StatisticsTest, DeviationOfASample) {
  EXPECT_DOUBLE_EQ(StandardDeviation({2, 4, 4, 4, 5, 5, 7, 9}), std::sqrt(32.0 / 7));
  EXPECT_EQ(StandardDeviation({3}), 0);
}

}  // namespace
}  // namespace dspex
