#include "server/cli/line_diff.h"

#include <gtest/gtest.h>

#include <string>

namespace dspex::cli {
namespace {

std::string Shown(absl::string_view before, absl::string_view after) {
  std::string shown;
  for (const DiffLine& line : DiffLines(before, after)) {
    shown += line.kind == DiffLine::Kind::kSame ? " " : line.kind == DiffLine::Kind::kAdded ? "+" : "-";
    shown += line.text + "\n";
  }
  return shown;
}

TEST(LineDiffTest, ShowsWhatWasAddedAndRemoved) {
  EXPECT_EQ(Shown("a\nb\nc\nd", "a\nx\nc\ny\nd"), " a\n-b\n+x\n c\n+y\n d\n");
  EXPECT_EQ(Shown("a", "a"), " a\n");
  EXPECT_EQ(Shown("a\na", "a"), " a\n-a\n");
  EXPECT_EQ(Shown("", "a"), "-\n+a\n");
}

TEST(LineDiffTest, LongTextsAreNotComparedLineByLine) {
  std::string before = "same\n";
  std::string after = "same\n";
  for (int i = 0; i < 5000; ++i) {
    before += "b\n";
    after += "a\n";
  }
  const auto diff = DiffLines(before, after);
  EXPECT_EQ(diff.front().kind, DiffLine::Kind::kSame);
  EXPECT_EQ(diff.size(), 1u + 10'000u + 1u);
}

}  // namespace
}  // namespace dspex::cli
