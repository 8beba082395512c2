#include "engine/base/money.h"

#include <gtest/gtest.h>

#include <random>

namespace dspex {
namespace {

TEST(MoneyTest, ReadsAndPrintsDecimals) {
  for (const char* text : {"0", "12", "0.15", "0.000000000001", "9000000.5"}) {
    const std::optional<Money> money = Money::Parse(text);
    ASSERT_TRUE(money.has_value()) << text;
    EXPECT_EQ(money->ToString(), text);
  }
  EXPECT_EQ(Money::Parse("2.50")->ToString(), "2.5");
  EXPECT_EQ(Money::Parse("0.15")->picodollars(), 150'000'000'000);
}

TEST(MoneyTest, RefusesWhatIsNoAmount) {
  for (const char* text : {"", ".", ".5", "1.", "-1", "+1", " 1", "1 ", "1e3", "1,5", "0x1", "1.5.2", "NaN", "1.-5",
                           "0.0000000000001", "10000000", "99999999999999999999"}) {
    EXPECT_FALSE(Money::Parse(text).has_value()) << text;
  }
}

TEST(MoneyTest, SumsAreExact) {
  Money sum;
  for (int i = 0; i < 10; ++i) sum += *Money::Parse("0.1");
  EXPECT_EQ(sum, *Money::Parse("1"));
  EXPECT_EQ(*Money::Parse("0.00000015") * 1'000'000, *Money::Parse("0.15"));
}

TEST(MoneyTest, TooMuchStaysAtTheMost) {
  EXPECT_EQ(Money::Max() + Money::Picodollars(1), Money::Max());
  EXPECT_EQ(*Money::Parse("1") * INT64_MAX, Money::Max());
  EXPECT_EQ(Money::Max() * 0, Money());
}

TEST(MoneyTest, WhatItPrintsItReads) {
  const auto seed = std::random_device()();
  SCOPED_TRACE(testing::Message() << "seed " << seed);
  std::mt19937_64 random(seed);
  for (int i = 0; i < 1000; ++i) {
    const Money money = Money::Picodollars(static_cast<std::int64_t>(random() >> (1 + random() % 63)));
    EXPECT_EQ(Money::Parse(money.ToString()), money) << money.ToString();
  }
}

}  // namespace
}  // namespace dspex
