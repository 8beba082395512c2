#include "engine/json/json.h"

#include <gtest/gtest.h>

#include <chrono>
#include <nlohmann/json.hpp>
#include <string>

#include "engine/base/error.h"
#include "engine/base/reasons.h"

namespace dspex {
namespace {

using std::string_literals::operator""s;

TEST(ParseJson, ReadsEveryKindOfValue) {
  const auto json =
      ParseJson(R"( {"n":null,"t":true,"f":false,"i":-5,"x":1.5,"s":"aé\n\u00e9\ud83d\ude00","l":[1,[],{}]} )");
  ASSERT_TRUE(json.ok()) << json.status();
  EXPECT_EQ(json->dump(), R"({"n":null,"t":true,"f":false,"i":-5,"x":1.5,"s":"aé\né😀","l":[1,[],{}]})");
}

TEST(ParseJson, KeepsTheOrderOfKeys) {
  EXPECT_EQ(ParseJson(R"({"b":1,"a":2,"c":3})")->dump(), R"({"b":1,"a":2,"c":3})");
}

TEST(ParseJson, OfDuplicateKeysTheLastValueWinsInTheFirstPlace) {
  EXPECT_EQ(ParseJson(R"({"a":1,"b":2,"a":3})")->dump(), R"({"a":3,"b":2})");
  // Enough keys for the hash map.
  std::string text = "{";
  for (int i = 0; i < 100; ++i) text += "\"k" + std::to_string(i % 50) + "\":" + std::to_string(i) + ",";
  text.back() = '}';
  const auto json = ParseJson(text);
  ASSERT_TRUE(json.ok());
  ASSERT_EQ(json->size(), 50u);
  EXPECT_EQ(json->begin().key(), "k0");
  EXPECT_EQ(json->begin().value(), 50);
  EXPECT_EQ((*json)["k49"], 99);
}

TEST(ParseJson, IntegersOf64BitsStayIntegers) {
  const auto json =
      ParseJson("[9223372036854775807,-9223372036854775808,18446744073709551615,18446744073709551616,5.0,1e2]");
  ASSERT_TRUE(json.ok());
  EXPECT_EQ((*json)[0].get<std::int64_t>(), INT64_MAX);
  EXPECT_EQ((*json)[1].get<std::int64_t>(), INT64_MIN);
  EXPECT_EQ((*json)[2].get<std::uint64_t>(), UINT64_MAX);
  for (int i = 3; i < 6; ++i) EXPECT_TRUE((*json)[i].is_number_float()) << i;
}

struct BadJson {
  std::string text;
  const char* position;
};

TEST(ParseJson, ErrorsNameThePosition) {
  const BadJson cases[] = {
      {"", "0"},
      {"  ", "2"},
      {"{", "1"},
      {"[1,]", "3"},
      {"{\"a\" 1}", "5"},
      {"{\"a\":1,}", "7"},
      {"nul", "3"},
      {"[1] x", "4"},
      {"{a:1}", "1"},
      {"'a'", "0"},
      {"[1e999]", "5"},
      {"[01]", "2"},
      {"[NaN]", "1"},
      {"\"\\x\"", "2"},
      {"\"\\ud800\"", "7"},
      {"\"\\udc00\"", "6"},
      {"\"\n\"", "1"},
      {"\"a\xff\"", "2"},
      {"\"a\xed\xa0\x80\"", "3"},
      {"{}\0"s, "2"},
      {"\"a\0b\""s, "2"},
  };
  for (const BadJson& test : cases) {
    const auto json = ParseJson(test.text);
    ASSERT_FALSE(json.ok()) << test.text;
    EXPECT_EQ(json.status().code(), absl::StatusCode::kInvalidArgument) << test.text;
    EXPECT_EQ(ErrorReason(json.status()), reason::kInvalidJson) << test.text;
    EXPECT_EQ(ErrorMetadata(json.status(), "position"), test.position) << test.text << ": " << json.status();
  }
}

TEST(ParseJson, ErrorsDoNotRepeatTheText) {
  const auto json = ParseJson(R"({"password": hunter2})");
  ASSERT_FALSE(json.ok());
  EXPECT_EQ(json.status().message().find("hunter"), absl::string_view::npos) << json.status();
}

TEST(ParseJson, BoundsTheDepth) {
  JsonLimits limits;
  limits.max_depth = 3;
  EXPECT_TRUE(ParseJson("[[[1]]]", limits).ok());
  const auto deep = ParseJson(R"([[{"a":[1]}]])", limits);
  ASSERT_FALSE(deep.ok());
  EXPECT_EQ(ErrorMetadata(deep.status(), "position"), "7");
  EXPECT_FALSE(ParseJson(std::string(10'000'000, '[')).ok());
}

TEST(ParseJson, BoundsTheNumberOfValues) {
  JsonLimits limits;
  limits.max_values = 4;
  EXPECT_TRUE(ParseJson("[1,2,3]", limits).ok());
  const auto many = ParseJson("[1,2,3,4]", limits);
  ASSERT_FALSE(many.ok());
  EXPECT_EQ(ErrorMetadata(many.status(), "position"), "8");
}

TEST(ParseJson, BoundsTheSize) {
  JsonLimits limits;
  limits.max_bytes = 5;
  EXPECT_TRUE(ParseJson("[1,2]", limits).ok());
  EXPECT_EQ(ErrorReason(ParseJson("[1,22]", limits).status()), reason::kInvalidJson);
}

// Quadratic behaviour on 200,000 keys takes minutes; the limit is generous for slow machines and sanitizers.
TEST(ParseJson, IsLinearInTheNumberOfKeys) {
  std::string text = "{";
  for (int i = 0; i < 200'000; ++i) text += "\"key" + std::to_string(i) + "\":0,";
  text.back() = '}';
  const auto start = std::chrono::steady_clock::now();
  const auto json = ParseJson(text);
  ASSERT_TRUE(json.ok());
  EXPECT_EQ(json->size(), 200'000u);
  EXPECT_LT(std::chrono::steady_clock::now() - start, std::chrono::seconds(10));
}

}  // namespace
}  // namespace dspex
