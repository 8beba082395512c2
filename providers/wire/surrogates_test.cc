#include "providers/wire/surrogates.h"

#include <gtest/gtest.h>

#include "providers/wire/json.h"

namespace dspex::wire {
namespace {

TEST(SurrogatesTest, HalvesBecomeReplacementsAndPairsStay) {
  EXPECT_EQ(SurrogateMender::MendWhole(R"({"a":"\ud83d","b":"x\uDE00y","c":"\ud83d\ude00 \\ud83d \n"})"),
            R"({"a":"\ufffd","b":"x\ufffdy","c":"\ud83d\ude00 \\ud83d \n"})");
  EXPECT_EQ(SurrogateMender::MendWhole(R"(\ud83)"), R"(\ud83)");
  EXPECT_EQ(SurrogateMender::MendWhole("\\"), "\\");
}

TEST(SurrogatesTest, APairThatIsCutBetweenEventsIsJoined) {
  SurrogateMender mender;
  EXPECT_EQ(mender.MendEvent(R"({"t":"a\ud83d"})"), R"({"t":"a"})");
  EXPECT_EQ(mender.MendEvent(R"({"t":"\ude00b"})"), R"({"t":"\ud83d\ude00b"})");
  EXPECT_EQ(mender.MendEvent(R"({"t":"\ude00b"})"), R"({"t":"\ufffdb"})");
}

TEST(SurrogatesTest, DocumentsWithHalvesAreRead) {
  dom::parser parser;
  dom::element document;
  std::string problem;
  std::string body = R"({"a":"\ud83d"})";
  ASSERT_TRUE(ParseDocument(parser, body, document, problem)) << problem;
  dom::object object;
  ASSERT_EQ(document.get(object), simdjson::SUCCESS);
  EXPECT_EQ(OptionalText(object, "a"), "\uFFFD");
  body = R"({"a":"\ud83d")";
  EXPECT_FALSE(ParseDocument(parser, body, document, problem));
}

}  // namespace
}  // namespace dspex::wire
