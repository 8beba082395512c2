#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>
#include <string>

#include "engine/adapter/section_adapter.h"
#include "engine/adapter/testing.h"
#include "engine/base/error.h"

namespace dspex {
namespace {

using ::testing::EndsWith;
using ::testing::HasSubstr;
using testing_support::Bind;
using testing_support::Sig;
using testing_support::TextOf;
using testing_support::TurnText;

absl::StatusOr<Json> Parse(absl::string_view signature, absl::string_view completion) {
  return Bind(AdapterKind::kJson, Sig(signature))->Parse(completion);
}

TEST(JsonAdapterFormatTest, SectionsInAndAnObjectOut) {
  const auto adapter = Bind(AdapterKind::kJson, Sig("q, n: int -> a, l: list[int]", "Do it."),
                            {{{"q", "x"}, {"n", 1}, {"a", "é\n"}, {"l", {1, 2}}}, {{"q", "y"}, {"a", "z"}}});
  const auto& prefix = adapter->prefix();
  EXPECT_THAT(TextOf(prefix[0]), HasSubstr("\n[[ ## q ## ]]\n<q>\n\n[[ ## n ## ]]\n<n>\n\n"));
  EXPECT_THAT(TextOf(prefix[0]), HasSubstr("{\n  \"a\": \"<a>\",\n  \"l\": \"<l> (JSON that fits this schema: "
                                           "{\\\"type\\\": \\\"array\\\", \\\"items\\\": "));
  EXPECT_THAT(TextOf(prefix[2]), EndsWith("{\n  \"a\": \"z\",\n  \"l\": \"(left out of this example)\"\n}"));
  EXPECT_EQ(TextOf(prefix[4]), "{\n  \"a\": \"é\\n\",\n  \"l\": [\n    1,\n    2\n  ]\n}");
  EXPECT_EQ(TurnText(*adapter, {{"q", "x"}}),
            "[[ ## q ## ]]\nx\n\nReply with a JSON object that has, in this order, `a`, then `l` (list[int]).");
}

TEST(JsonAdapterParseTest, TakesTheObjectAndDropsOtherKeys) {
  const auto fields = Parse("q -> a, n: float", R"({"x": 1, "n": "5", "a": "t", "q": 2})");
  ASSERT_TRUE(fields.ok()) << fields.status();
  EXPECT_EQ(fields->dump(), R"({"a":"t","n":5.0})");
}

TEST(JsonAdapterParseTest, IsTolerant) {
  EXPECT_EQ(Parse("q -> a", "```json\n{'a': 'x',}\n```").value().dump(), R"({"a":"x"})");
  EXPECT_EQ(Parse("q -> a, b: int | None", R"({"a": "cut of)").value().dump(), R"({"a":"cut of","b":null})");
}

TEST(JsonAdapterParseTest, ErrorsSayWhatIsWrong) {
  EXPECT_EQ(ErrorMetadata(Parse("q -> a", "42").status(), "problem"), "malformed");
  EXPECT_EQ(ErrorMetadata(Parse("q -> a", "").status(), "problem"), "malformed");
  EXPECT_EQ(ErrorMetadata(Parse("q -> a", "{}").status(), "problem"), "missing");
  const absl::Status invalid = Parse("q -> a: list[int]", R"({"a": [1, "x"]})").status();
  EXPECT_EQ(ErrorReason(invalid), "COMPLETION_UNPARSABLE");
  EXPECT_EQ(ErrorMetadata(invalid, "problem"), "invalid");
  EXPECT_THAT(ErrorMetadata(invalid, "path"), HasSubstr("[1]"));
}

TEST(FirstBalancedBracesTest, FindsTheLeftmostThatCloses) {
  EXPECT_EQ(FirstBalancedBraces("x {a {b} c} {d}"), "{a {b} c}");
  EXPECT_EQ(FirstBalancedBraces("{ {a} {b}"), "{a}");
  EXPECT_EQ(FirstBalancedBraces("} {a} }"), "{a}");
  EXPECT_EQ(FirstBalancedBraces("{{{"), "");
  EXPECT_EQ(FirstBalancedBraces(""), "");
  EXPECT_EQ(FirstBalancedBraces("{ { {a} }"), "{ {a} }");
}

TEST(JsonAdapterParseTest, HostileTextsEndInTime) {
  const auto adapter = Bind(AdapterKind::kJson, Sig("q -> a: list[int]"));
  std::string pairs;
  for (int i = 0; i < 1'000'000; ++i) pairs += "{ } ";
  for (const std::string& text :
       {std::string(5'000'000, '{'), std::string(100'000, '['), "{\"a\": " + std::string(100'000, '['),
        std::string(2'000'000, '}'), pairs, std::string("{\"a\0\": \xFF\xC3}", 10)}) {
    const auto fields = adapter->Parse(text);
    if (!fields.ok()) EXPECT_EQ(ErrorReason(fields.status()), "COMPLETION_UNPARSABLE");
  }
}

TEST(FormatForTest, FollowsTypesAndCapabilities) {
  const auto kind = [](const char* signature, AdapterOptions options, lm::Capabilities capabilities) {
    return FormatFor(options, *Phrasebook::BuiltIn(), Sig(signature), capabilities).kind;
  };
  using Kind = lm::ResponseFormat::Kind;
  const AdapterOptions json{AdapterKind::kJson, true};
  const AdapterOptions text_calls{AdapterKind::kJson, false};
  const lm::Capabilities none;
  lm::Capabilities mode;
  mode.response_format = true;
  lm::Capabilities strict = mode;
  strict.json_schema = true;
  EXPECT_EQ(kind("q -> a", {AdapterKind::kChat, false}, strict), Kind::kText);
  EXPECT_EQ(kind("q -> a", json, none), Kind::kText);
  EXPECT_EQ(kind("q -> a", json, mode), Kind::kJsonObject);
  EXPECT_EQ(kind("q -> a", json, strict), Kind::kJsonSchema);
  EXPECT_EQ(kind("q -> a", {AdapterKind::kBaml, true}, strict), Kind::kJsonSchema);
  EXPECT_EQ(kind("q -> a: dict[str, int]", json, strict), Kind::kJsonObject);
  EXPECT_EQ(kind("q -> a: list[dict[str, int]]", json, strict), Kind::kJsonSchema);
  EXPECT_EQ(kind("q -> a: dspy.ToolCalls", text_calls, strict), Kind::kJsonObject);
  const auto format = FormatFor(json, *Phrasebook::BuiltIn(), Sig("q -> a, n: int"), strict);
  EXPECT_EQ(format.name, "DSPyProgramOutputs");
  EXPECT_THAT(*format.schema, HasSubstr(R"("required": ["a", "n"])"));
}

}  // namespace
}  // namespace dspex
