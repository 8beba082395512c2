#include "server/cli/table.h"

#include <gtest/gtest.h>

#include <string>

namespace dspex::cli {
namespace {

TEST(Table, AlignsColumnsAndLeavesNoTrailingSpace) {
  Table table({"NAME", "REVISION", "LABELS"});
  table.Add({"programs/a", "1", ""});
  table.Add({"programs/longer", "12", "prod=3"});
  EXPECT_EQ(table.ToString(),
            "NAME             REVISION  LABELS\n"
            "programs/a       1\n"
            "programs/longer  12        prod=3\n");
}

TEST(Table, AlignsByColumnsOfTheTerminalNotBytes) {
  Table table({"A", "B"});
  table.Add({"日本", "x"});
  table.Add({"é", "x"});
  table.Add({"e\xCC\x81", "x"});  // a combining accent
  EXPECT_EQ(table.ToString(), "A     B\n日本  x\né     x\ne\xCC\x81     x\n");
}

TEST(Table, CutsLongCellsAndKeepsThemOnOneLine) {
  Table table({"A"});
  table.Add({std::string(61, 'x')});
  table.Add({"one\ntwo\tthree"});
  EXPECT_EQ(table.ToString(), "A\n" + std::string(59, 'x') + "…\none two three\n");
}

TEST(Cut, NeverSplitsACharacter) {
  EXPECT_EQ(Cut("日本語", 6), "日本語");
  EXPECT_EQ(Cut("日本語", 5), "日本…");
  EXPECT_EQ(Cut("日本語", 4), "日…");
}

TEST(Printable, TakesTheTerminalsControlAway) {
  EXPECT_EQ(Printable("a\x1b[31mb\r\nc\td\x7f"), "a [31mb \nc\td ");
  EXPECT_EQ(Printable("a\xE2\x80\xAE"
                      "b"),
            "a b");  // right-to-left override
  EXPECT_EQ(Printable("a\xFF\xC3"), "a\xEF\xBF\xBD\xEF\xBF\xBD");
}

TEST(FieldList, PutsTheLinesOfAValueBelowOneAnother) {
  EXPECT_EQ(FieldList({{"a", "1"}, {"answer", "one\ntwo"}}),
            "a       1\n"
            "answer  one\n"
            "        two\n");
}

}  // namespace
}  // namespace dspex::cli
