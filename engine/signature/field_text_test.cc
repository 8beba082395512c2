#include <gtest/gtest.h>

#include <nlohmann/json.hpp>
#include <string>

#include "engine/base/error.h"
#include "engine/base/reasons.h"
#include "engine/signature/coerce.h"

namespace dspex {
namespace {

struct Case {
  const char* type;
  const char* text;
  const char* json;  // null: refused
};

TEST(ParseFieldText, ReadsWhatAModelWrites) {
  const Case cases[] = {
      {"str", "  as it stands \n", R"("  as it stands \n")"},
      {"str", "", R"("")"},
      {"str", "```json\n{}\n```", R"("```json\n{}\n```")"},
      {"str", "null", R"("null")"},
      {"int", "42", "42"},
      {"int", " 42\n", "42"},
      {"int", "42.0", "42"},
      {"int", "1_000", "1000"},
      {"int", "\"42\"", "42"},
      {"int", "'42'", "42"},
      {"int", "```\n42\n```", "42"},
      {"int", "True", "1"},
      {"int", "3.5", nullptr},
      {"int", "forty", nullptr},
      {"int", "99999999999999999999", nullptr},
      {"int", "", nullptr},
      {"float", "5", "5.0"},
      {"float", "2.50", "2.5"},
      {"float", "1e3", "1000.0"},
      {"float", ".5", "0.5"},
      {"float", "-1_000.5", "-1000.5"},
      {"bool", "True", "true"},
      {"bool", "false", "false"},
      {"bool", "yes", "true"},
      {"bool", "Off", "false"},
      {"bool", "1", "true"},
      {"bool", "maybe", nullptr},
      {"None", "None", "null"},
      {"None", "null", "null"},
      {"list[int]", "[1, 2, 3]", "[1,2,3]"},
      {"list[int]", "[1, 2, 3,]", "[1,2,3]"},
      {"list[int]", "(1, 2)", "[1,2]"},
      {"list[int]", "```json\n[1, 2]\n```", "[1,2]"},
      {"list[int]", "```[1, 2]```", "[1,2]"},
      {"list[int]", "[1, \"x\"]", nullptr},
      {"list[str]", "['a', \"b's\"]", R"(["a","b's"])"},
      {"list[str]", "[\"a\\/b\", \"\\ud83d\\ude00\"]", R"(["a/b","😀"])"},
      {"list[str]", "[1]", nullptr},
      {"list[str]", "a, b", nullptr},
      {"list[bool]", "[True, False]", "[true,false]"},
      {"dict[str, Any]", "{'a': None, 'b': [1, 2.0], 'a': 3}", R"({"a":3,"b":[1,2.0]})"},
      {"dict[int, str]", "{1: 'a', '02': 'b'}", R"({"1":"a","2":"b"})"},
      {"dict", "{\"a\": {\"b\": 1}}", R"({"a":{"b":1}})"},
      {"Any", "{'a': 1}", R"({"a":1})"},
      {"Any", "just text", R"("just text")"},
      {"Any", "5", "5"},
      {"Optional[int]", "None", "null"},
      {"Optional[int]", "7", "7"},
      {"Optional[str]", "None", R"("None")"},
      {"str | None", " [1] ", R"(" [1] ")"},
      {"Union[int, str]", "7", "7"},
      {"Union[int, str]", "seven", R"("seven")"},
      {"Union[list[int], str]", "[1]", "[1]"},
      {"Literal['yes', 'no']", "yes", R"("yes")"},
      {"Literal['yes', 'no']", " yes\n", R"("yes")"},
      {"Literal['yes', 'no']", "'no'", R"("no")"},
      {"Literal['yes', 'no']", "\"no\"", R"("no")"},
      {"Literal['yes', 'no']", "Literal['no']", R"("no")"},
      {"Literal['yes', 'no']", "str[\"no\"]", R"("no")"},
      {"Literal['yes', 'no']", "```\nno\n```", R"("no")"},
      {"Literal['yes', 'no']", "Yes", nullptr},
      {"Literal['yes', 'no']", "maybe", nullptr},
      {"Literal[\"'a'\", 'a']", "'a'", R"("'a'")"},
      {"Literal[1, 2, 3]", "2", "2"},
      {"Literal[1, 2, 3]", "'2'", "2"},
      {"Literal[1, 2, 3]", "2.0", "2"},
      {"Literal[1, 2, 3]", "4", nullptr},
      {"Literal['1', 1]", "1", R"("1")"},
      {"Literal[True, 'x']", "True", "true"},
      {"Literal['x', None]", "None", "null"},
  };
  for (const Case& test : cases) {
    SCOPED_TRACE(std::string(test.type) + ": " + test.text);
    const auto type = ParseType(test.type);
    ASSERT_TRUE(type.ok()) << type.status();
    const auto value = ParseFieldText(Field{"field", *type, ""}, test.text);
    ASSERT_EQ(value.ok(), test.json != nullptr) << value.status();
    if (value.ok()) {
      EXPECT_EQ(value->dump(), Json::parse(test.json).dump());
    } else {
      EXPECT_EQ(ErrorReason(value.status()), reason::kInvalidValue);
    }
  }
}

TEST(ParseFieldText, IsBounded) {
  const Field field{"field", *ParseType("list"), ""};
  EXPECT_FALSE(ParseFieldText(field, std::string(1'000'000, '[')).ok());
  EXPECT_FALSE(ParseFieldText(field, std::string(1'000'000, '`')).ok());
  EXPECT_FALSE(ParseFieldText(field, std::string(1'000'000, '-')).ok());
}

}  // namespace
}  // namespace dspex
