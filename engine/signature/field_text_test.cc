#include <gtest/gtest.h>

#include <memory>
#include <nlohmann/json.hpp>
#include <string>

#include "engine/base/error.h"
#include "engine/base/reasons.h"
#include "engine/signature/coerce.h"
#include "engine/signature/named_type.h"

namespace dspex {
namespace {

struct Case {
  const char* type;
  const char* text;
  const char* json;  // null: refused
};

void Check(const Case& test, const absl::StatusOr<Json>& value) {
  SCOPED_TRACE(std::string(test.type) + ": " + test.text);
  ASSERT_EQ(value.ok(), test.json != nullptr) << value.status();
  if (value.ok()) {
    EXPECT_EQ(value->dump(), Json::parse(test.json).dump());
  } else {
    EXPECT_EQ(ErrorReason(value.status()), reason::kInvalidValue);
  }
}

// What DSPy makes of the same.
TEST(ParseFieldText, ReadsWhatAModelWrites) {
  // clang-format off
  const Case cases[] = {
      {"str", "  as it stands \n", R"("  as it stands \n")"},
      {"str", "", R"("")"},
      {"str", "```json\n{}\n```", R"("```json\n{}\n```")"},
      {"str", "null", R"("null")"},
      {"int", "42", R"(42)"},
      {"int", " 42\n", R"(42)"},
      {"int", "42.0", R"(42)"},
      {"int", "1_000", R"(1000)"},
      {"int", "\"42\"", R"(42)"},
      {"int", "'42'", R"(42)"},
      {"int", "```\n42\n```", nullptr},
      {"int", "True", R"(1)"},
      {"int", "3.5", nullptr},
      {"int", "forty", nullptr},
      {"int", "99999999999999999999", nullptr},
      {"int", "", nullptr},
      {"float", "5", R"(5.0)"},
      {"float", "2.50", R"(2.5)"},
      {"float", "1e3", R"(1000.0)"},
      {"float", ".5", R"(0.5)"},
      {"float", "-1_000.5", R"(-1000.5)"},
      {"bool", "True", R"(true)"},
      {"bool", "false", R"(false)"},
      {"bool", "yes", R"(true)"},
      {"bool", "Off", R"(false)"},
      {"bool", "1", R"(true)"},
      {"bool", "maybe", nullptr},
      {"None", "None", R"(null)"},
      {"None", "null", R"(null)"},
      {"list[int]", "[1, 2, 3]", R"([1,2,3])"},
      {"list[int]", "[1, 2, 3,]", R"([1,2,3])"},
      {"list[int]", "(1, 2)", R"([1,2])"},
      {"list[int]", "```json\n[1, 2]\n```", R"([1,2])"},
      {"list[int]", "```[1, 2]```", R"([1,2])"},
      {"list[int]", "[1, \"x\"]", nullptr},
      {"list[str]", "['a', \"b's\"]", R"(["a","b's"])"},
      {"list[str]", "[\"a\\/b\", \"\\ud83d\\ude00\"]", R"(["a/b","😀"])"},
      {"list[str]", "[1]", nullptr},
      {"list[str]", "a, b", nullptr},
      {"list[bool]", "[True, False]", R"([true,false])"},
      {"dict[str, Any]", "{'a': None, 'b': [1, 2.0], 'a': 3}", R"({"a":3,"b":[1,2.0]})"},
      {"dict[int, str]", "{1: 'a', '02': 'b'}", R"({"1":"a","2":"b"})"},
      {"dict", "{\"a\": {\"b\": 1}}", R"({"a":{"b":1}})"},
      {"Any", "{'a': 1}", R"({"a":1})"},
      {"Any", "just text", R"("just text")"},
      {"Any", "5", R"(5)"},
      {"Optional[int]", "None", R"(null)"},
      {"Optional[int]", "7", R"(7)"},
      {"Optional[str]", "None", R"("None")"},
      {"str | None", " [1] ", R"(" [1] ")"},
      {"Union[int, str]", "7", R"(7)"},
      {"Union[int, str]", "seven", R"("seven")"},
      {"Union[list[int], str]", "[1]", R"([1])"},
      {"Literal['yes', 'no']", "yes", R"("yes")"},
      {"Literal['yes', 'no']", " yes\n", R"("yes")"},
      {"Literal['yes', 'no']", "'no'", R"("no")"},
      {"Literal['yes', 'no']", "\"no\"", R"("no")"},
      {"Literal['yes', 'no']", "Literal['no']", R"("no")"},
      {"Literal['yes', 'no']", "str[\"no\"]", R"("no")"},
      {"Literal['yes', 'no']", "```\nno\n```", nullptr},
      {"Literal['yes', 'no']", "Yes", nullptr},
      {"Literal['yes', 'no']", "maybe", nullptr},
      {"Literal[\"'a'\", 'a']", "'a'", R"("'a'")"},
      {"Literal[1, 2, 3]", "2", R"(2)"},
      {"Literal[1, 2, 3]", "'2'", R"(2)"},
      {"Literal[1, 2, 3]", "2.0", R"(2)"},
      {"Literal[1, 2, 3]", "4", nullptr},
      {"Literal['1', 1]", "1", R"("1")"},
      {"Literal[True, 'x']", "True", R"(true)"},
      {"Literal['x', None]", "None", R"(null)"},
      {"int", "+5", R"(5)"},
      {"int", "1_000", R"(1000)"},
      {"int", "0x1F", R"(31)"},
      {"int", "5 # five", R"(5)"},
      {"int", "forty two", nullptr},
      {"bool", "None", nullptr},
      {"float", "1_000.5", R"(1000.5)"},
      {"tuple[int, ...]", "1, 2", R"([1,2])"},
      {"Union[list[int], tuple[int, int]]", "1, 2", R"([1,2])"},
      {"bytes", "b'a\\xe9'", nullptr},
      {"bytes", "b'ab'", R"("ab")"},
      {"str | int", "b'x'", R"("x")"},
      {"Any", "1+2j", R"("1+2j")"},
      {"Any", "...", nullptr},
      {"set[int]", "{1, 2, 2}", R"([1,2])"},
      {"list[int]", "Here: [1, 2, 3]", R"([1,2,3])"},
      {"list[int]", "[1, 2", R"([1,2])"},
      {"dict[str, int]", "{a: 1, b: 2}", R"({"a":1,"b":2})"},
      {"datetime.date", "2024-02-29", R"("2024-02-29")"},
      {"datetime.datetime", "2024-02-29T12:30:00Z", R"("2024-02-29T12:30:00Z")"},
      {"datetime.timedelta", "PT1H", R"("PT1H")"},
      {"decimal.Decimal", "1.50", R"("1.5")"},
      {"decimal.Decimal", "\"1.50\"", R"("1.50")"},
      {"uuid.UUID", "550e8400-e29b-41d4-a716-446655440000", R"("550e8400-e29b-41d4-a716-446655440000")"},
      {"dspy.Reasoning", "First, then.", R"("First, then.")"},
      {"dspy.Reasoning", "{\"content\": \"x\"}", R"("x")"},
      {"dspy.Reasoning", "[1, 2]", R"("[1, 2]")"},
      {"dspy.Reasoning", "\"quoted\"", R"("quoted")"},
      {"dspy.Code", "```python\nprint(1)\n```", "\"print(1)\""},
      {"dspy.Code", "x = {'a': 1}", R"("x = {'a': 1}")"},
      {"dspy.ToolCalls", "{\"tool_calls\": [{\"name\": \"f\", \"args\": {}}]}", R"({"tool_calls":[{"name":"f","args":{}}]})"},
      {"dspy.ToolCalls", "none", nullptr},
      {"dspy.History", "{\"messages\": []}", R"({"messages":[]})"},
      {"Union[str, int, None]", "5", R"("5")"},
      {"Union[dspy.Reasoning, None]", "x", R"("x")"},
      {"Literal['a', 1]", "Literal['a']", R"("a")"},
      {"Literal['a', 1]", "\"1\"", R"(1)"},
      {"Literal['a', 1]", "'\"a\"'", R"("a")"},
      {"Literal[True]", "1", R"(true)"},
  };
  // clang-format on
  for (const Case& test : cases) Check(test, ParseFieldText(*ParseType(test.type), test.text));
}

TEST(ParseFieldValue, ReadsWhatJsonHas) {
  // clang-format off
  const Case cases[] = {
      {"str", R"({"x": [1, "é", null, true, 1e+22]})", R"("{'x': [1, 'é', None, True, 1e+22]}")"},
      {"str", R"(null)", R"("None")"},
      {"str", R"(true)", R"("True")"},
      {"str", R"(5.0)", R"("5.0")"},
      {"str", R"(["it's", "\""])", R"("[\"it's\", '\"']")"},
      {"str", R"("x")", R"("x")"},
      {"int", R"(5.0)", R"(5)"},
      {"int", R"("5")", R"(5)"},
      {"list[int]", R"(["1"])", R"([1])"},
      {"list[int]", R"("[1]")", R"([1])"},
      {"Literal[1, 2]", R"(true)", R"(true)"},
      {"Literal[1, 2]", R"(1.0)", R"(1.0)"},
      {"Literal[1, 2]", R"(3)", nullptr},
      {"Literal[1, 2]", R"("2")", R"(2)"},
      {"Literal['a', None]", R"(null)", R"(null)"},
      {"Optional[str]", R"(null)", R"(null)"},
      {"Optional[str]", R"(5)", nullptr},
      {"Any", R"("5")", R"(5)"},
      {"dspy.Reasoning", R"({"content": "x"})", R"("x")"},
      {"dspy.Reasoning", R"(5)", nullptr},
  };
  // clang-format on
  for (const Case& test : cases) Check(test, ParseFieldValue(*ParseType(test.type), Json::parse(test.text)));
}

TEST(ParseFieldText, AnEnumIsReadByItsValueThenByItsName) {
  const Json schema = Json::parse(R"({"enum": ["a", "B", 1], "x-enum-varnames": ["A", "a", "ONE"]})");
  const auto table = TypeTable::Create({{"E", schema}});
  ASSERT_TRUE(table.ok()) << table.status();
  const Type type = *ParseType("E", *table);
  EXPECT_EQ(*ParseFieldText(type, "a"), "a");
  EXPECT_EQ(*ParseFieldText(type, "A"), "a");
  EXPECT_EQ(*ParseFieldText(type, "ONE"), 1);
  EXPECT_EQ(*ParseFieldValue(type, 1.0), 1);
  EXPECT_FALSE(ParseFieldText(type, "1").ok());
  EXPECT_FALSE(ParseFieldText(type, " a").ok());
  EXPECT_FALSE(ParseFieldText(type, "").ok());
}

TEST(ParseFieldText, IsBounded) {
  const Type type = *ParseType("list[Union[int, list[str], None]]");
  EXPECT_FALSE(ParseFieldText(type, std::string(1'000'000, '[')).ok());
  EXPECT_FALSE(ParseFieldText(type, std::string(1'000'000, '`')).ok());
  EXPECT_FALSE(ParseFieldText(type, std::string(1'000'000, '-')).ok());
}

}  // namespace
}  // namespace dspex
