#include "engine/signature/prefix.h"

#include <gtest/gtest.h>

namespace dspex {
namespace {

TEST(Prefix, FollowsCaseDigitsAndUnderscores) {
  EXPECT_EQ(InferPrefix("question"), "Question:");
  EXPECT_EQ(InferPrefix("text2number"), "Text 2 Number:");
  EXPECT_EQ(InferPrefix("HTMLParser"), "HTML Parser:");
  EXPECT_EQ(InferPrefix("camelCaseText"), "Camel Case Text:");
  EXPECT_EQ(InferPrefix("a__b"), "A  B:");
  EXPECT_EQ(InferPrefix("urlID2x"), "Url ID 2 X:");
  EXPECT_EQ(InferPrefix("_x_"), " X :");
  EXPECT_EQ(InferPrefix("ABc"), "A Bc:");
}

TEST(Prefix, KnowsUnicodeAsPythonDoes) {
  EXPECT_EQ(InferPrefix("stra\u00dfe"), "Stra\u00dfe:");
  EXPECT_EQ(InferPrefix("\u00dfa"), "Ssa:");
  EXPECT_EQ(InferPrefix("\u01f0b"), "J\u030cb:");
  EXPECT_EQ(InferPrefix("a\u03a3"), "A\u03c2:");
  EXPECT_EQ(InferPrefix("a\u03a3b"), "A\u03c3b:");
  EXPECT_EQ(InferPrefix("x\u0130"), "Xi\u0307:");
  EXPECT_EQ(InferPrefix("\u00c9T\u00c9"), "\u00c9T\u00c9:");
  EXPECT_EQ(InferPrefix("a\u0663b"), "A \u0663 B:");  // an Arabic digit
  EXPECT_EQ(InferPrefix("\u540d\u524d"), "\u540d\u524d:");
}

TEST(Title, CapitalizesEachWord) {
  EXPECT_EQ(InferTitle("foo_bar2baz"), "Foo Bar2Baz");
  EXPECT_EQ(InferTitle("_x_"), "X");
  EXPECT_EQ(InferTitle("camelCase"), "Camelcase");
  EXPECT_EQ(InferTitle("\u00dfa_\u01c6"), "Ssa \u01c5");
}

}  // namespace
}  // namespace dspex
