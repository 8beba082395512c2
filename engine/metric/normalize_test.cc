#include "engine/metric/normalize.h"

#include <gtest/gtest.h>

#include <string>

namespace dspex {
namespace {

TEST(NormalizeTextTest, Ascii) {
  EXPECT_EQ(NormalizeText(""), "");
  EXPECT_EQ(NormalizeText("  The,  Eiffel\t\nTower! "), "eiffel tower");
  EXPECT_EQ(NormalizeText("a the an"), "");
  EXPECT_EQ(NormalizeText("The theory: an anthem, a."), "theory anthem");
  EXPECT_EQ(NormalizeText("A.N. other"), "other");  // Punctuation goes first.
  EXPECT_EQ(NormalizeText("x\x1c\x1dy"), "x y");
  EXPECT_EQ(NormalizeText("snake_case the_a"), "snakecase thea");
  EXPECT_EQ(NormalizeText("!?"), "");
  EXPECT_EQ(NormalizeText(std::string("x\0a\0y", 5)), std::string("x\0 \0y", 5));
}

TEST(NormalizeTextTest, Unicode) {
  EXPECT_EQ(NormalizeText("CAF\u00C9"), "cafe\u0301");
  EXPECT_EQ(NormalizeText("th\u00E9"), "\u0301");  // The accent is no word character, so "the" stands alone.
  EXPECT_EQ(NormalizeText("\u00A0a\u2003b\u3000"), "b");
  EXPECT_EQ(NormalizeText("\u039F\u0394\u039F\u03A3 \u03A3\u03A3."), "\u03BF\u03B4\u03BF\u03C2 \u03C3\u03C2");
  EXPECT_EQ(NormalizeText("\u0130"), "i\u0307");
  EXPECT_EQ(NormalizeText("\u00ABthe\u00BB"), "\u00AB \u00BB");
  EXPECT_EQ(NormalizeText("\u00E9a\u00E9"), "e\u0301ae\u0301");
}

TEST(NormalizeTextTest, WhatIsNoUtf8DoesNotMatter) { EXPECT_EQ(NormalizeText("The \xFF Cat"), "\u00FF cat"); }

}  // namespace
}  // namespace dspex
