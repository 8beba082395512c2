#include "server/cli/values.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace dspex::cli {
namespace {

using ::testing::HasSubstr;

TEST(InputsJson, ListsAndObjectsAreSentAsTheyStandAndAllElseIsText) {
  EXPECT_EQ(InputsJson({}).value(), "{}");
  EXPECT_EQ(InputsJson({"question=What is 2 + 2?", "numbers=[1, 2.0]", "n=12345678901234567890", "b=true", "x=null",
                        R"(o={"k": "v"})"})
                .value(),
            R"({"question":"What is 2 + 2?","numbers":[1, 2.0],"n":"12345678901234567890","b":"true","x":"null",)"
            R"("o":{"k": "v"}})");
}

TEST(InputsJson, AStringOfJsonStaysTextWithItsQuotes) {
  EXPECT_EQ(InputsJson({R"(q="yes")"}).value(), R"({"q":"\"yes\""})");
}

TEST(InputsJson, WhatIsNotQuiteJsonIsText) {
  for (const char* text : {"", " ", "[1,", "True", "nan", "01", "1 2", "{a: 1}", "-"}) {
    EXPECT_EQ(InputsJson({std::string("q=") + text}).value(), std::string(R"({"q":")") + text + "\"}");
  }
}

TEST(InputsJson, EscapesNamesAndValues) {
  EXPECT_EQ(InputsJson({"a\"b=line\none\t\"two\" \\ \x01"}).value(), R"({"a\"b":"line\none\t\"two\" \\ \u0001"})");
  EXPECT_EQ(InputsJson({"q=caf\xC3\xA9 \xFF"}).value(), "{\"q\":\"caf\xC3\xA9 \xEF\xBF\xBD\"}");
}

TEST(InputsJson, OnlyTheFirstEqualsSignSplits) { EXPECT_EQ(InputsJson({"q=a=b"}).value(), R"({"q":"a=b"})"); }

TEST(InputsJson, RefusesWordsThatAreNoInput) {
  EXPECT_THAT(std::string(InputsJson({"question"}).status().message()), HasSubstr("'question' is no input"));
  EXPECT_THAT(std::string(InputsJson({"=x"}).status().message()), HasSubstr("write name=value"));
  EXPECT_THAT(std::string(InputsJson({"q=1", "q=2"}).status().message()), HasSubstr("'q' comes twice"));
}

TEST(ProgramName, AddsTheCollectionWhereItLacks) {
  EXPECT_EQ(ProgramName("qa"), "programs/qa");
  EXPECT_EQ(ProgramName("qa@prod"), "programs/qa@prod");
  EXPECT_EQ(ProgramName("programs/qa@3"), "programs/qa@3");
}

}  // namespace
}  // namespace dspex::cli
