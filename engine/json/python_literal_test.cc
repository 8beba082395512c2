#include "engine/json/python_literal.h"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>
#include <string>

namespace dspex {
namespace {

struct Case {
  const char* text;
  const char* json;  // null: not read
};

TEST(ParsePythonLiteral, ReadsWhatPythonReads) {
  const Case cases[] = {
      {"'a'", R"("a")"},
      {"{'a': 1, 'b': [True, False, None,],}", R"({"a":1,"b":[true,false,null]})"},
      {"(1, 2)", "[1,2]"},
      {"(1,)", "[1]"},
      {"(1)", "1"},
      {"()", "[]"},
      {"[]", "[]"},
      {"{}", "{}"},
      {" [ 1 , ( 'a' , ) ] ", R"([1,["a"]])"},
      {"'a' \"b\"", R"("ab")"},
      {"'it\\'s \\x41\\u00e9\\n\\q'", R"("it's Aé\n\\q")"},
      {"r'a\\n'", R"("a\\n")"},
      {"'''a'b\nc'''", R"("a'b\nc")"},
      {"'\\101\\0'", R"("A\u0000")"},
      {"'a\\\nb'", R"("ab")"},
      {"1_000", "1000"},
      {"-5", "-5"},
      {"+5", "5"},
      {"-9223372036854775808", "-9223372036854775808"},
      {"18446744073709551615", "18446744073709551615"},
      {"18446744073709551616", "18446744073709551616.0"},
      {"0x1F", "31"},
      {"0b101", "5"},
      {"0o17", "15"},
      {"000", "0"},
      {"1.", "1.0"},
      {".5", "0.5"},
      {"1e3", "1000.0"},
      {"1_0.5e-1_0", "10.5e-10"},
      {"{1: 'a', True: 'b', None: 'c', 1.5: 'd'}", R"({"1":"a","true":"b","None":"c","1.5":"d"})"},
      {"{'a': 1, 'b': 2, 'a': 3}", R"({"a":3,"b":2})"},
      {"1, 2", "[1,2]"},
      {"'a',", R"(["a"])"},
      {"{1, 2,}", "[1,2]"},
      {"{'a'}", R"(["a"])"},
      {"set()", "[]"},
      {"\t5 # five\n\n", "5"},
      {"# five\n5", "5"},
      {"(\n5)", "5"},
      {"- 5", "-5"},
      {"", nullptr},
      {"abc", nullptr},
      {"[1, 2", nullptr},
      {"[1 2]", nullptr},
      {"[,]", nullptr},
      {"(,)", nullptr},
      {"--5", nullptr},
      {"[true]", nullptr},
      {"NaN", nullptr},
      {"1\n2", nullptr},
      {"\n 1", nullptr},
      {"'a' b'b'", nullptr},
      {"b'\xC3\xA9'", nullptr},
      {"set(1)", nullptr},
      {"'a", nullptr},
      {"'a\nb'", nullptr},
      {"'\\ud800'", nullptr},
      {"'\\N{BULLET}'", nullptr},
      {"'\\x4'", nullptr},
      {"007", nullptr},
      {"1__0", nullptr},
      {"1_E3", nullptr},
      {"1_", nullptr},
      {"1 + 2", nullptr},
      {"-True", nullptr},
      {"[1] []", nullptr},
      {"[1)", nullptr},
      {"__import__('os')", nullptr},
      {"'a\xff'", nullptr},
  };
  for (const Case& test : cases) {
    const std::optional<Json> literal = ParsePythonLiteral(test.text);
    ASSERT_EQ(literal.has_value(), test.json != nullptr) << test.text;
    if (literal.has_value()) {
      const Json expected = Json::parse(test.json);
      EXPECT_EQ(literal->dump(), expected.dump()) << test.text;
      EXPECT_EQ(literal->is_number_float(), expected.is_number_float()) << test.text;
    }
  }
}

TEST(ParsePythonLiteral, TellsWhatTheArrayIs) {
  const auto root = [](const char* text) {
    PythonRoot root = PythonRoot::kValue;
    EXPECT_TRUE(ParsePythonLiteral(text, {}, &root).has_value()) << text;
    return root;
  };
  EXPECT_EQ(root("[1]"), PythonRoot::kValue);
  EXPECT_EQ(root("1, 2"), PythonRoot::kTuple);
  EXPECT_EQ(root("(1,)"), PythonRoot::kTuple);
  EXPECT_EQ(root("{1}"), PythonRoot::kSet);
}

TEST(ParsePythonLiteral, ReadsWhatJsonHasNot) {
  const auto read = [](const char* text, PythonSubtype subtype) {
    return ReadBinary(ParsePythonLiteral(text).value_or(Json()), subtype);
  };
  EXPECT_EQ(read("b'a\\xE9\\u0041' rb'\\n'", PythonSubtype::kBytes), "a\xE9\\u0041\\n");
  EXPECT_EQ(read("1-2.5j", PythonSubtype::kComplex), "1-2.5j");
  EXPECT_EQ(read("-3J", PythonSubtype::kComplex), "-3j");
  EXPECT_EQ(read("...", PythonSubtype::kEllipsis), "");
  EXPECT_EQ(read("'a'", PythonSubtype::kBytes), std::nullopt);
}

TEST(ParsePythonLiteral, IsBounded) {
  EXPECT_FALSE(ParsePythonLiteral(std::string(1'000'000, '[')).has_value());
  EXPECT_FALSE(ParsePythonLiteral(std::string(1'000'000, '(')).has_value());
  EXPECT_TRUE(ParsePythonLiteral(std::string(100, '{') + "1" + std::string(100, '}')).has_value());
  JsonLimits limits;
  limits.max_values = 3;
  EXPECT_TRUE(ParsePythonLiteral("[1,2]", limits).has_value());
  EXPECT_FALSE(ParsePythonLiteral("[1,2,3]", limits).has_value());
  limits.max_bytes = 3;
  EXPECT_FALSE(ParsePythonLiteral("[1,2]", limits).has_value());
}

}  // namespace
}  // namespace dspex
