#include "engine/signature/docstring.h"

#include <gtest/gtest.h>

namespace dspex {
namespace {

TEST(CleanDocstring, DoesWhatPythonDoes) {
  const struct {
    const char* text;
    const char* clean;
  } cases[] = {
      {"", ""},
      {"  a", "a"},
      {"a  ", "a  "},
      {"\n\n  a\n  b\n\n", "a\nb"},
      {"a\n    b\n      c\n", "a\nb\n  c"},
      {"  a\n  b\n c", "a\n b\nc"},
      {"a\n\tb\n\t\tc", "a\nb\n        c"},
      {"a\tb", "a       b"},
      {"é\tb", "é       b"},
      {"a\n   \n  b", "a\n \nb"},
      {"a\n\n  b", "a\n\nb"},
      {"a\n  b\n   ", "a\nb\n "},
      {"\xC2\xA0 a\n\xC2\xA0 b", "a\nb"},
      {"a\r\n  b", "a\r\nb"},
      {"   \n  ", "  "},
  };
  for (const auto& test : cases) EXPECT_EQ(CleanDocstring(test.text), test.clean) << test.text;
}

}  // namespace
}  // namespace dspex
