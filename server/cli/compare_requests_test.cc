#include "server/cli/compare_requests.h"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

namespace dspex::cli {
namespace {

Json Read(const char* text) { return Json::parse(text); }

TEST(FirstDifferenceTest, EqualRequestsHaveNone) {
  EXPECT_EQ(
      FirstDifference(
          Read(R"({"messages":[{"role":"user","content":"é"}],"arguments":{"temperature":1,"max_tokens":5,"n":3}})"),
          Read(
              R"({"model":"m","messages":[{"role":"user","content":"é"}],"max_completion_tokens":5,"temperature":1.0})")),
      std::nullopt);
  EXPECT_EQ(FirstDifference(Read(R"({"messages":[]})"), Read(R"({"messages":[]})")), std::nullopt);
}

TEST(FirstDifferenceTest, NamesTheByteWhereTextsPart) {
  const auto found = FirstDifference(Read(R"({"messages":[{"role":"user","content":"say one word"}]})"),
                                     Read(R"({"messages":[{"role":"user","content":"say two words"}]})"));
  EXPECT_EQ(found, "messages[0].content, byte 4:\n  DSPy:  \"say one word\"\n  dspex: \"say two words\"");
}

TEST(FirstDifferenceTest, SeesOrderNumberAndPresence) {
  EXPECT_EQ(FirstDifference(Read(R"({"messages":[{"role":"user","content":""}]})"),
                            Read(R"({"messages":[{"content":"","role":"user"}]})")),
            "messages[0]:\n  DSPy:  the key role\n  dspex: the key content");
  EXPECT_EQ(FirstDifference(Read(R"({"messages":[1]})"), Read(R"({"messages":[1,2]})")),
            "messages:\n  DSPy:  1 items\n  dspex: 2 items");
  EXPECT_EQ(FirstDifference(Read(R"({"messages":[],"arguments":{"temperature":0.5}})"), Read(R"({"messages":[]})")),
            "arguments:\n  DSPy:  the key temperature\n  dspex: no more keys");
  EXPECT_EQ(FirstDifference(Read(R"({"messages":[true]})"), Read(R"({"messages":[1]})")),
            "messages[0]:\n  DSPy:  true\n  dspex: 1");
}

}  // namespace
}  // namespace dspex::cli
