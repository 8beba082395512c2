#include "engine/json/python_repr.h"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

namespace dspex {
namespace {

TEST(PythonReprTest, ContainersAndScalars) {
  EXPECT_EQ(PythonRepr(Json::parse(R"({"a": [1, "é", null, true, 1e22, 5.0], "b": {}, "c": []})")),
            "{'a': [1, 'é', None, True, 1e+22, 5.0], 'b': {}, 'c': []}");
  EXPECT_EQ(PythonRepr(Json("x")), "'x'");
}

TEST(PythonReprTest, QuotesAreChosenAsPythonDoes) {
  EXPECT_EQ(PythonRepr(Json("it's")), "\"it's\"");
  EXPECT_EQ(PythonRepr(Json("say \"so\"")), "'say \"so\"'");
  EXPECT_EQ(PythonRepr(Json("it's \"so\"")), "'it\\'s \"so\"'");
}

TEST(PythonReprTest, WhatIsNotPrintableIsEscaped) {
  EXPECT_EQ(PythonRepr(Json(std::string("\\\n\r\t\0\x7F", 6))), "'\\\\\\n\\r\\t\\x00\\x7f'");
  EXPECT_EQ(PythonRepr(Json("\xC2\xA0\xE2\x80\xA8\xEF\xBB\xBF\xF3\xA0\x80\x81")), "'\\xa0\\u2028\\ufeff\\U000e0001'");
  EXPECT_EQ(PythonRepr(Json("漢\xF0\x9F\x98\x80")), "'漢\xF0\x9F\x98\x80'");
  std::string invalid;
  AppendPythonStrRepr(invalid, "\xFF");
  EXPECT_EQ(invalid, "'\xEF\xBF\xBD'");
}

TEST(PythonReprTest, Bytes) {
  EXPECT_EQ(PythonBytesRepr("a\n'\\"), R"(b"a\n'\\")");
  EXPECT_EQ(PythonBytesRepr("\xc3\xbc'\"\x7f"), R"(b'\xc3\xbc\'"\x7f')");
}

}  // namespace
}  // namespace dspex
