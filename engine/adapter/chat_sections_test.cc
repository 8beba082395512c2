#include "engine/adapter/chat_sections.h"

#include <absl/strings/str_cat.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <utility>
#include <vector>

namespace dspex {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::Pair;

std::vector<std::pair<std::string, std::string>> Read(absl::string_view text) {
  std::vector<std::pair<std::string, std::string>> result;
  ChatSections sections(text);
  while (const auto section = sections.Next()) {
    result.emplace_back(std::string(section->name), SectionText(section->content));
  }
  return result;
}

TEST(ChatSectionsTest, ReadsSectionsInOrder) {
  EXPECT_THAT(Read("[[ ## a ## ]]\nfirst\n\n[[ ## b ## ]]\nsecond\nline\n\n[[ ## completed ## ]]\n"),
              ElementsAre(Pair("a", "first"), Pair("b", "second\nline"), Pair("completed", "")));
}

TEST(ChatSectionsTest, WritesTheMarkersItReads) {
  std::string text;
  AppendMarker(text, "answer");
  EXPECT_THAT(Read(text), ElementsAre(Pair("answer", "")));
}

TEST(ChatSectionsTest, TextBeforeTheFirstMarkerBelongsToNone) {
  EXPECT_THAT(Read("Sure! Here it is:\n[[ ## a ## ]]\n1"), ElementsAre(Pair("a", "1")));
  EXPECT_THAT(Read("no markers at all"), IsEmpty());
  EXPECT_THAT(Read(""), IsEmpty());
}

TEST(ChatSectionsTest, RestOfTheMarkersLineIsTheFirstLine) {
  EXPECT_THAT(Read("[[ ## a ## ]] one \t\n two \nthree"), ElementsAre(Pair("a", "one\n two \nthree")));
  EXPECT_THAT(Read("[[ ## a ## ]]one"), ElementsAre(Pair("a", "one")));
}

TEST(ChatSectionsTest, MarkerWithinALineIsText) {
  EXPECT_THAT(Read("[[ ## a ## ]]\nsee [[ ## b ## ]] there"), ElementsAre(Pair("a", "see [[ ## b ## ]] there")));
  EXPECT_THAT(Read("[[ ## a ## ]] x [[ ## b ## ]] y"), ElementsAre(Pair("a", "x [[ ## b ## ]] y")));
}

TEST(ChatSectionsTest, WhatIsAlmostAMarkerIsText) {
  for (const char* almost : {"[[ ##  ## ]]", "[[ ## b c ## ]]", "[[ ## b-c ## ]]", "[[## b ##]]", "[[ ## b ## ]",
                             "[[ ## b", "[[ ## ", "[[ ## b ##  ]]"}) {
    const std::string text = absl::StrCat("[[ ## a ## ]]\nx\n", almost, "\ny");
    SCOPED_TRACE(text);
    ASSERT_THAT(Read(text), ::testing::SizeIs(1));
    EXPECT_EQ(Read(text)[0].second, absl::StrCat("x\n", almost, "\ny"));
  }
  // A broken marker does not hide the whole one behind it.
  EXPECT_THAT(Read("[[ ## \n[[ ## a ## ]]\nx"), ElementsAre(Pair("a", "x")));
}

TEST(ChatSectionsTest, NamesAreUnicodeWords) {
  EXPECT_THAT(Read("[[ ## réponse_2 ## ]]\nx\n[[ ## 答え ## ]]\ny\n[[ ## a\xCC\x81 ## ]]\nz"),
              ElementsAre(Pair("réponse_2", "x"), Pair("答え", "y\n[[ ## a\xCC\x81 ## ]]\nz")));
}

TEST(ChatSectionsTest, LinesAreThoseOfPythonsSplitlines) {
  for (const char* line_break :
       {"\n", "\r\n", "\r", "\v", "\f", "\x1c", "\x1d", "\x1e", "\xC2\x85", "\xE2\x80\xA8", "\xE2\x80\xA9"}) {
    const std::string text = absl::StrCat("intro", line_break, "[[ ## a ## ]]", line_break, "one", line_break, "two",
                                          line_break, "[[ ## b ## ]]", line_break, "three");
    SCOPED_TRACE(text);
    EXPECT_THAT(Read(text), ElementsAre(Pair("a", "one\ntwo"), Pair("b", "three")));
  }
  // A unit separator is white space, but ends no line.
  EXPECT_THAT(Read("[[ ## a ## ]]\none\x1f[[ ## b ## ]]"), ElementsAre(Pair("a", "one\x1f[[ ## b ## ]]")));
}

TEST(ChatSectionsTest, IndentedMarkerTakesItsOwnLengthOffTheLine) {
  // As DSPy does: two characters of the marker stay for two of indentation.
  EXPECT_THAT(Read("[[ ## a ## ]]\n1\n  [[ ## b ## ]]\n2"), ElementsAre(Pair("a", "1"), Pair("b", "]]\n2")));
  EXPECT_THAT(Read("\xE3\x80\x80[[ ## b ## ]] 2"), ElementsAre(Pair("b", "] 2")));
  EXPECT_THAT(Read(std::string(40, ' ') + "[[ ## b ## ]] 2"), ElementsAre(Pair("b", "[[ ## b ## ]] 2")));
}

TEST(ChatSectionsTest, StripsUnicodeWhiteSpaceAtTheEndsOnly) {
  EXPECT_THAT(Read("[[ ## a ## ]]\n\xC2\xA0 x\xE3\x80\x80y \xE2\x80\x83\n\n"),
              ElementsAre(Pair("a", "x\xE3\x80\x80y")));
  EXPECT_THAT(Read("[[ ## a ## ]]\n\n    indented\n      more\n"), ElementsAre(Pair("a", "indented\n      more")));
}

TEST(ChatSectionsTest, RepairsInvalidUtf8) {
  EXPECT_THAT(Read("[[ ## a ## ]]\nx\xFFy\xC3"), ElementsAre(Pair("a", "x\xEF\xBF\xBDy\xEF\xBF\xBD")));
}

TEST(ChatSectionsTest, KeepsNul) {
  EXPECT_THAT(Read(absl::string_view("[[ ## a ## ]]\nx\0y", 17)), ElementsAre(Pair("a", std::string("x\0y", 3))));
}

// The work is linear in the text: with quadratic work this test would not end within its time limit.
TEST(ChatSectionsTest, EndsOnLargeHostileTexts) {
  for (const char* piece : {"[", "[[ ## ", " ", "[[ ## a", "[[ ## a ## ]]", "\n[[ ## a ## ]]", " \xE3\x80\x80",
                            "\xE2\x80\xA8", "[[ ## a ## ]]        ", "\xFF"}) {
    SCOPED_TRACE(piece);
    std::string text;
    while (text.size() < 1'000'000) text += piece;
    EXPECT_LE(Read(text).size(), text.size() / 10);
  }
}

}  // namespace
}  // namespace dspex
