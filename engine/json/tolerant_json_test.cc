#include "engine/json/tolerant_json.h"

#include <gtest/gtest.h>

#include <chrono>
#include <cmath>
#include <nlohmann/json.hpp>
#include <string>

#include "engine/base/error.h"
#include "engine/base/reasons.h"
#include "engine/json/repair/position_set.h"

namespace dspex {
namespace {

std::string Read(absl::string_view text) {
  const absl::StatusOr<Json> value = ParseTolerantJson(text);
  return value.ok() ? value->dump() : std::string(value.status().message());
}

struct Case {
  const char* text;
  const char* json;
};

// Equality with json_repair is for tests/conformance/tolerant_json; these are the rules that users count on.
TEST(ParseTolerantJson, ReadsWhatWasMeant) {
  const Case cases[] = {
      {R"({"a": [1, 2.5, "x", true, null]})", R"({"a":[1,2.5,"x",true,null]})"},
      {"", R"("")"},
      {"no value", R"("")"},
      {"```json\n{\"a\": 1}\n```", R"({"a":1})"},
      {"The answer is {\"a\": 1}, I think.", R"({"a":1})"},
      {"{'a': 'b'}", R"({"a":"b"})"},
      {"{\u201Ca\u201D: \u201Cb\u201D}", R"({"a":"b"})"},
      {"{a: b, c: True, d: None}", R"({"a":"b","c":true,"d":null})"},
      {R"({"a": 1 "b": 2})", R"({"a":1,"b":2})"},
      {R"({"a": [1, 2)", R"({"a":[1,2]})"},
      {R"({"a": "b)", R"({"a":"b"})"},
      {R"([1, 2,])", R"([1,2])"},
      {R"({"a": "say "hi" now"})", R"({"a":"say \"hi\" now"})"},
      {"[1, // one\n 2 /* two */]", R"([1,2])"},
      {R"({"a": 1} {"b": 2})", R"([{"a":1},{"b":2}])"},
      {R"({"a": 1} {"a": 2})", R"({"a":2})"},
      {R"({\"a\": \"b\"})", R"({"a":"b"})"},
      {R"("a": 1})", R"({"a":1})"},
      {R"([{"a": 1 "a": 2}])", R"([{"a":1},{"a":2}])"},
      {R"({"a": [[1, 2]], [3, 4]})", R"({"a":[[1,2],[3,4]]})"},
      {R"({"a", "b"})", R"(["a","b"])"},
      {R"([(1, 2), (3)])", R"([[1,2],3])"},
      {"[1/3, 10-20, 007, 1_000]", R"(["1/3","10-20",7,1000])"},
      {R"({"a": 1,234})", R"({"a":"1,234"})"},
      {"\xEF\xBB\xBF{\"a\": 1}", R"({"a":1})"},
  };
  for (const Case& test : cases) EXPECT_EQ(Read(test.text), test.json) << test.text;
}

TEST(ParseTolerantJson, ReadsNumbersAsPythonDoes) {
  EXPECT_TRUE(std::isnan(ParseTolerantJson("NaN")->get<double>()));
  EXPECT_EQ(ParseTolerantJson("-1e400")->get<double>(), -HUGE_VAL);
  EXPECT_TRUE(ParseTolerantJson("5.0")->is_number_float());
  EXPECT_TRUE(ParseTolerantJson("[5]")->front().is_number_unsigned());
  EXPECT_EQ(ParseTolerantJson("18446744073709551615")->get<std::uint64_t>(), 18446744073709551615u);
  EXPECT_EQ(ParseTolerantJson("18446744073709551616")->get<double>(), 18446744073709551616.0);
  // Beyond what Python converts it is no number.
  EXPECT_EQ(Read("[" + std::string(4301, '9') + "]"), "[\"" + std::string(4301, '9') + "\"]");
}

TEST(ParseTolerantJson, MakesCharactersOfSurrogates) {
  EXPECT_EQ(Read(R"("\ud83d\ude00")"), "\"\U0001F600\"");
  EXPECT_EQ(Read(R"(['\ud83d\ude00'])"), "[\"\U0001F600\"]");
  EXPECT_EQ(Read(R"("\ud83d")"), "\"\uFFFD\"");
  EXPECT_EQ(Read(R"(['\ude00\ud83d x'])"), "[\"\uFFFD\uFFFD x\"]");
}

void ExpectError(const absl::StatusOr<Json>& value, absl::string_view position) {
  ASSERT_FALSE(value.ok());
  EXPECT_EQ(value.status().code(), absl::StatusCode::kInvalidArgument);
  EXPECT_EQ(ErrorReason(value.status()), reason::kInvalidJson);
  EXPECT_EQ(ErrorMetadata(value.status(), "position"), position);
}

TEST(ParseTolerantJson, KeepsTheLimits) {
  ExpectError(ParseTolerantJson("[1, \xFF]"), "4");
  ExpectError(ParseTolerantJson(std::string(101, '[')), "100");
  ExpectError(ParseTolerantJson("x " + std::string(101, '[')), "102");
  EXPECT_TRUE(ParseTolerantJson(std::string(100, '[')).ok());
  const std::string deep = std::string(100, '[') + "1" + std::string(100, ']');
  EXPECT_TRUE(ParseTolerantJson(deep + " x").ok());
  EXPECT_FALSE(ParseTolerantJson(deep + " [2]").ok());  // A list of both.
  JsonLimits limits;
  limits.max_values = 3;
  EXPECT_TRUE(ParseTolerantJson("[1, 2]", limits).ok());
  EXPECT_TRUE(ParseTolerantJson("[1, 2", limits).ok());
  EXPECT_FALSE(ParseTolerantJson(R"([1] ["a"])", limits).ok());
  EXPECT_FALSE(ParseTolerantJson("[1, 2, 3]", limits).ok());
  EXPECT_FALSE(ParseTolerantJson("[1, 2, 3, 4", limits).ok());
  limits.max_bytes = 3;
  ExpectError(ParseTolerantJson("[1, 2]", limits), "3");
}

TEST(ParseTolerantJson, FailsOnKeysThatAreNoText) {
  EXPECT_FALSE(ParseTolerantJson("{\"```json\n1\n```\": 2}").ok());
  EXPECT_EQ(Read("{\"```json\n\"k\"\n```\": 2}"), R"({"k\"\n```":2})");
}

// Whatever is repeated, the time must not grow with the square of the text.
TEST(ParseTolerantJson, TakesLinearTime) {
  const char* const openings[] = {"", "[", "{\"a\": \""};
  const char* const repeated[] = {"[", "\"", "\\", "/*", "{]", "a b c \"", "\"'", "{a:", "\" \"}", "(\n", "a:1,", ", "};
  const auto begin = std::chrono::steady_clock::now();
  for (const char* opening : openings) {
    for (const char* unit : repeated) {
      std::string text = opening;
      while (text.size() < 500'000) text += unit;
      (void)ParseTolerantJson(text);
    }
  }
  // A square would take minutes each.
  EXPECT_LT(std::chrono::steady_clock::now() - begin, std::chrono::seconds(60));
}

TEST(PositionSet, FindsTheNext) {
  PositionSet set(300'000);
  EXPECT_EQ(set.NextFrom(0), PositionSet::kNone);
  for (const std::size_t position : {0, 63, 64, 4096, 299'999}) set.Insert(position);
  EXPECT_EQ(set.NextFrom(0), 0);
  EXPECT_EQ(set.NextFrom(1), 63);
  EXPECT_EQ(set.NextFrom(64), 64);
  EXPECT_EQ(set.NextFrom(65), 4096);
  EXPECT_EQ(set.NextFrom(4097), 299'999);
  EXPECT_EQ(set.NextFrom(300'000), PositionSet::kNone);
  set.Erase(4096);
  EXPECT_EQ(set.NextFrom(65), 299'999);
  set.Erase(299'999);
  EXPECT_EQ(set.NextFrom(65), PositionSet::kNone);
}

}  // namespace
}  // namespace dspex
