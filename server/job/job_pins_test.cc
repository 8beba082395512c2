#include "server/job/job_pins.h"

#include <gtest/gtest.h>

namespace dspex {
namespace {

TEST(JobPinsTest, PricesComeBackAsTheyWere) {
  const PriceTable prices({
      {.pattern = "openai/*", .price = {.input = *ParsePriceOfMillion("0.15"), .output = *ParsePriceOfMillion("0.6")}},
      {.pattern = "openai/dear",
       .price = {.input = *ParsePriceOfMillion("999999.999999"),
                 .output = *ParsePriceOfMillion("0.000001"),
                 .cached_input = *ParsePriceOfMillion("0"),
                 .cache_write = *ParsePriceOfMillion("3.75")}},
  });
  const v1::JobPins pins = MakePins("openai/mini", prices);
  EXPECT_EQ(pins.default_lm(), "openai/mini");
  const PriceTable read = ReadPrices(pins);
  const Usage usage{.input_tokens = 1001, .output_tokens = 7, .cached_input_tokens = 300, .cache_write_tokens = 100};
  for (const char* model : {"openai/any", "openai/dear", "other/model"}) {
    EXPECT_EQ(read.Cost(model, usage), prices.Cost(model, usage)) << model;
  }
  EXPECT_TRUE(read.Cost("openai/any", usage).has_value());
}

}  // namespace
}  // namespace dspex
