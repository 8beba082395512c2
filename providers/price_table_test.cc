#include "providers/price_table.h"

#include <gtest/gtest.h>

namespace dspex {
namespace {

Money PerMillion(const char* dollars) { return ParsePriceOfMillion(dollars).value(); }
std::string Dollars(Money money) { return money.ToString(); }

TEST(PriceTableTest, PricesAreOfAMillionTokens) {
  EXPECT_EQ(Dollars(PerMillion("0.15") * 1'000'000), "0.15");
  EXPECT_EQ(Dollars(PerMillion("0.000001")), "0.000000000001");
  EXPECT_EQ(Dollars(PerMillion("999999.999999") * 1'000'000), "999999.999999");
  for (const char* text : {"", "x", "-1", "+1", " 1", "1e3", ".5", "1.", ".", "0.0000001", "0.1500000", "1234567",
                           "0000001", "99999999"}) {
    EXPECT_FALSE(ParsePriceOfMillion(text).has_value()) << text;
  }
}

TEST(PriceTableTest, TheLongerPatternWins) {
  const PriceTable table({{"*", {.input = PerMillion("1")}},
                          {"openai/gpt-4o*", {.input = PerMillion("2.5")}},
                          {"openai/gpt-4o-mini*", {.input = PerMillion("0.15")}}});
  EXPECT_EQ(table.Find("openai/gpt-4o-mini-2024-07-18")->input, PerMillion("0.15"));
  EXPECT_EQ(table.Find("openai/gpt-4o")->input, PerMillion("2.5"));
  EXPECT_EQ(table.Find("local/gpt-4o")->input, PerMillion("1"));
  EXPECT_FALSE(PriceTable().Find("openai/gpt-4o").has_value());
}

TEST(PriceTableTest, EveryKindOfTokenHasItsPrice) {
  const Price price{.input = PerMillion("3"),
                    .output = PerMillion("15"),
                    .cached_input = PerMillion("0.3"),
                    .cache_write = PerMillion("3.75")};
  const Usage usage{
      .input_tokens = 1000, .output_tokens = 10, .cached_input_tokens = 700, .cache_write_tokens = 200, .lm_calls = 1};
  // 100 * 3 + 700 * 0.3 + 200 * 3.75 + 10 * 15 = 1410 millionths.
  EXPECT_EQ(Dollars(CostOf(usage, price)), "0.00141");
}

TEST(PriceTableTest, CachedInputWithoutAPriceOfItsOwnIsInput) {
  const Price price{.input = PerMillion("2")};
  EXPECT_EQ(CostOf({.input_tokens = 500, .cached_input_tokens = 400}, price), PerMillion("2") * 500);
}

TEST(PriceTableTest, CountsThatMakeNoSenseDoNoHarm) {
  const Price price{.input = PerMillion("2"), .output = PerMillion("8"), .cached_input = PerMillion("1")};
  EXPECT_EQ(CostOf({.input_tokens = 10, .cached_input_tokens = 999}, price), PerMillion("1") * 10);
  EXPECT_EQ(CostOf({.input_tokens = -5, .output_tokens = -5}, price), Money());
  EXPECT_EQ(CostOf({.input_tokens = INT64_MAX, .output_tokens = INT64_MAX}, price), Money::Max());
}

}  // namespace
}  // namespace dspex
