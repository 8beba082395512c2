#include "engine/module/sampling.h"

#include <gtest/gtest.h>

namespace dspex {
namespace {

TEST(MergeTest, TakesWhatTheChangesSet) {
  const Sampling base = {.options = {.temperature = 0.2, .max_tokens = 10, .stop = {"a"}}, .n = 3};
  const Sampling merged =
      Merge(base, {.options = {.temperature = 0.0, .seed = 4, .store = false, .logprobs = true, .rollout_id = 9}});
  EXPECT_EQ(merged.options.temperature, 0.0);
  EXPECT_EQ(merged.options.max_tokens, 10);
  EXPECT_EQ(merged.options.stop, std::vector<std::string>{"a"});
  EXPECT_EQ(merged.options.seed, 4);
  EXPECT_EQ(merged.options.store, false);
  EXPECT_EQ(merged.options.logprobs, true);
  EXPECT_EQ(merged.options.rollout_id, 9);
  EXPECT_EQ(merged.n, 3);
  EXPECT_EQ(Merge(base, {.options = {.stop = {"b"}}, .n = 1}).completions(), 1);
}

std::optional<double> Spread(std::optional<double> temperature, std::optional<int> n) {
  Sampling sampling = {.options = {.temperature = temperature}, .n = n};
  SpreadTemperature(sampling);
  return sampling.options.temperature;
}

TEST(SpreadTemperatureTest, RaisesALowOneForSeveralCompletions) {
  EXPECT_EQ(Spread(std::nullopt, 2), 0.7);
  EXPECT_EQ(Spread(0.0, 2), 0.7);
  EXPECT_EQ(Spread(0.15, 2), 0.7);
  EXPECT_EQ(Spread(0.16, 2), 0.16);
  EXPECT_EQ(Spread(0.0, 1), 0.0);
  EXPECT_EQ(Spread(std::nullopt, std::nullopt), std::nullopt);
}

}  // namespace
}  // namespace dspex
