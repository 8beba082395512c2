#include "engine/module/majority.h"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>
#include <vector>

namespace dspex {
namespace {

std::size_t Winner(const std::vector<Json>& values) {
  std::vector<Answer> answers;
  for (const Json& value : values) answers.push_back({Json{{"reasoning", "r"}, {"answer", value}}});
  return MajorityIndex(answers, "answer");
}

TEST(MajorityTest, MostFrequentNormalisedText) {
  EXPECT_EQ(Winner({"Rome", "Paris!", "the paris"}), 1u);
  EXPECT_EQ(Winner({"x"}), 0u);
}

TEST(MajorityTest, TiesGoToTheEarliest) {
  EXPECT_EQ(Winner({"b", "a b", "c", "c"}), 0u);
  EXPECT_EQ(Winner({"z", "c", "b", "b", "c"}), 1u);
}

TEST(MajorityTest, EmptyTextsDoNotCountUnlessThereIsNothingElse) {
  EXPECT_EQ(Winner({"", "the", nullptr, "x"}), 3u);
  EXPECT_EQ(Winner({"", "a", nullptr}), 0u);
  EXPECT_EQ(MajorityIndex({Answer{Json::object()}, Answer{Json{{"answer", "x"}}}}, "answer"), 1u);
}

TEST(MajorityTest, ValuesThatAreNoTextCountAsTheyPrint) {
  EXPECT_EQ(Winner({1, 2, 2}), 1u);
  EXPECT_EQ(Winner({"1", 2, 1, 2}), 1u);
  EXPECT_EQ(Winner({Json{{"a", 1}}, Json::array({1}), Json::array({1})}), 1u);
}

}  // namespace
}  // namespace dspex
