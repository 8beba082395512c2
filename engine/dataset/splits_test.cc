#include "engine/dataset/splits.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <limits>

namespace dspex {
namespace {

using ::testing::ElementsAre;

// What random.Random(seed).shuffle makes of list(range(n)) in CPython 3.11.
TEST(SplitsTest, ShufflesAsPythonDoes) {
  EXPECT_THAT(ShuffledOrder(0, 10), ElementsAre(7, 8, 1, 5, 3, 4, 2, 0, 9, 6));
  EXPECT_THAT(ShuffledOrder(-3, 5), ElementsAre(0, 2, 3, 4, 1));
  EXPECT_THAT(ShuffledOrder(12345678901, 12), ElementsAre(3, 8, 0, 4, 2, 7, 11, 1, 10, 6, 5, 9));
  const std::vector<std::int32_t> large = ShuffledOrder(7, 100'000);
  EXPECT_THAT(std::vector<std::int32_t>(large.begin(), large.begin() + 5),
              ElementsAre(26567, 77215, 84363, 16229, 78976));
  EXPECT_EQ(large.back(), 42445);
  EXPECT_TRUE(ShuffledOrder(1, 0).empty());
}

TEST(SplitsTest, CutsByWeightsWithTheRestToTheLargestRemainders) {
  EXPECT_THAT(SplitSizes({0.6, 0.2, 0.2}, 10), ElementsAre(6, 2, 2));
  EXPECT_THAT(SplitSizes({0.1, 0.9}, 10), ElementsAre(1, 9));
  EXPECT_THAT(SplitSizes({1, 1, 1}, 10), ElementsAre(4, 3, 3)) << "equal remainders: the first";
  EXPECT_THAT(SplitSizes({1, 2}, 2), ElementsAre(1, 1)) << "2/3 and 4/3: the larger remainder is the first's";
  EXPECT_THAT(SplitSizes({1, 1, 1}, 2), ElementsAre(1, 1, 0));
  EXPECT_THAT(SplitSizes({3}, 7), ElementsAre(7));
  EXPECT_THAT(SplitSizes({0.5, 0.5}, 0), ElementsAre(0, 0));
  EXPECT_THAT(SplitSizes({0.7, 0.15, 0.15}, 10'000'000), ElementsAre(7'000'000, 1'500'000, 1'500'000));
  constexpr double kLargest = std::numeric_limits<double>::max();
  EXPECT_THAT(SplitSizes({kLargest, kLargest, std::numeric_limits<double>::min()}, 5), ElementsAre(3, 2, 0));
}

}  // namespace
}  // namespace dspex
