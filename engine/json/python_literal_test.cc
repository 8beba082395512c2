#include "engine/json/python_literal.h"

#include <gtest/gtest.h>

#include <cmath>
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
      {"[true, null, \"x\"]", R"([true,null,"x"])"},
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
      {"--5", "5"},
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
      {"", nullptr},
      {"abc", nullptr},
      {"[1, 2", nullptr},
      {"[1 2]", nullptr},
      {"[,]", nullptr},
      {"(,)", nullptr},
      {"{1, 2}", nullptr},
      {"{'a'}", nullptr},
      {"{[1]: 2}", nullptr},
      {"'a", nullptr},
      {"'a\nb'", nullptr},
      {"b'a'", nullptr},
      {"'\\ud800'", nullptr},
      {"'\\N{BULLET}'", nullptr},
      {"'\\x4'", nullptr},
      {"007", nullptr},
      {"1__0", nullptr},
      {"1_", nullptr},
      {"5j", nullptr},
      {"1 + 2", nullptr},
      {"-True", nullptr},
      {"[1] []", nullptr},
      {"[1)", nullptr},
      {"__import__('os')", nullptr},
      {"'a\xff'", nullptr},
  };
  for (const Case& test : cases) {
    const std::optional<Json> value = ParsePythonLiteral(test.text);
    ASSERT_EQ(value.has_value(), test.json != nullptr) << test.text;
    if (value.has_value()) {
      const Json expected = Json::parse(test.json);
      EXPECT_EQ(value->dump(), expected.dump()) << test.text;
      EXPECT_EQ(value->is_number_float(), expected.is_number_float()) << test.text;
    }
  }
}

TEST(ParsePythonLiteral, TakesJsonsNonNumbers) {
  EXPECT_TRUE(std::isnan((*ParsePythonLiteral("[NaN]"))[0].get<double>()));
  EXPECT_EQ(ParsePythonLiteral("-Infinity")->get<double>(), -HUGE_VAL);
}

TEST(ParsePythonLiteral, IsBounded) {
  EXPECT_FALSE(ParsePythonLiteral(std::string(1'000'000, '[')).has_value());
  EXPECT_FALSE(ParsePythonLiteral(std::string(1'000'000, '(')).has_value());
  JsonLimits limits;
  limits.max_values = 3;
  EXPECT_TRUE(ParsePythonLiteral("[1,2]", limits).has_value());
  EXPECT_FALSE(ParsePythonLiteral("[1,2,3]", limits).has_value());
  limits.max_bytes = 3;
  EXPECT_FALSE(ParsePythonLiteral("[1,2]", limits).has_value());
}

}  // namespace
}  // namespace dspex
