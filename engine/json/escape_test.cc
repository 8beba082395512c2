#include "engine/json/escape.h"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>
#include <random>
#include <string>

#include "engine/json/json.h"
#include "engine/json/utf8.h"

namespace dspex {
namespace {

using std::string_literals::operator""s;

std::string Escaped(absl::string_view text) {
  std::string out;
  AppendJsonString(out, text);
  return out;
}

TEST(AppendJsonString, EscapesWhatMustBe) {
  EXPECT_EQ(Escaped(""), "\"\"");
  EXPECT_EQ(Escaped("a\"b\\c\n\r\t\b\f\x01\x1f\x7f/"s + "\0"s),
            "\"a\\\"b\\\\c\\n\\r\\t\\b\\f\\u0001\\u001f\x7f/\\u0000\"");
  EXPECT_EQ(Escaped("aé漢😀\xE2\x80\xA8"), "\"aé漢😀\xE2\x80\xA8\"");
}

TEST(AppendJsonString, AppendsToWhatIsThere) {
  std::string out = "x";
  AppendJsonString(out, "y");
  EXPECT_EQ(out, "x\"y\"");
}

TEST(AppendJsonString, ReplacesInvalidUtf8) {
  const std::string replacement = "\xEF\xBF\xBD";
  EXPECT_EQ(Escaped("a\xffz"), "\"a" + replacement + "z\"");
  EXPECT_EQ(Escaped("\xc0\xaf"), "\"" + replacement + replacement + "\"");                    // overlong
  EXPECT_EQ(Escaped("\xed\xa0\x80"), "\"" + replacement + replacement + replacement + "\"");  // a surrogate
  EXPECT_EQ(Escaped("é\xe2\x82"), "\"é" + replacement + replacement + "\"");                  // cut off
  EXPECT_EQ(Escaped("\xf4\x90\x80\x80z").back(), '"');                                        // beyond U+10FFFF
}

// Every position of a special byte within and across the blocks of the vector loop.
TEST(AppendJsonString, AgreesWithTheLibraryAtEveryOffset) {
  for (const char* special : {"\"", "\\", "\n", "\x01", "é", "😀"}) {
    for (std::size_t before = 0; before < 40; ++before) {
      const std::string text = std::string(before, 'a') + special + std::string(40 - before, 'b') + special;
      EXPECT_EQ(Escaped(text), Json(text).dump()) << before;
    }
  }
}

TEST(AppendJsonString, RandomBytesGiveValidJson) {
  constexpr unsigned kSeed = 7;
  SCOPED_TRACE(kSeed);
  std::mt19937 random(kSeed);
  for (int round = 0; round < 5000; ++round) {
    std::string text(random() % 70, '\0');
    for (char& c : text) c = static_cast<char>(random() % 4 == 0 ? random() % 256 : 'a' + random() % 26);
    const auto json = ParseJson(Escaped(text));
    ASSERT_TRUE(json.ok()) << json.status();
    if (ValidUtf8Prefix(text) == text.size()) {
      ASSERT_EQ(json->get<std::string>(), text);
    }
  }
}

TEST(Utf8, FindsTheFirstInvalidByte) {
  EXPECT_EQ(ValidUtf8Prefix("abc"), 3u);
  EXPECT_EQ(ValidUtf8Prefix("0123456789abcdefé\xff"), 18u);
  EXPECT_EQ(ValidUtf8Prefix("ab\xe2\x82"), 2u);
  EXPECT_EQ(ValidUtf8Prefix("\x80"), 0u);
}

TEST(Utf8, RoundTripsEveryCharacter) {
  for (char32_t code = 0; code <= 0x10FFFF; ++code) {
    if (code >= 0xD800 && code <= 0xDFFF) continue;
    std::string text;
    AppendUtf8(text, code);
    const Utf8Char c = DecodeUtf8(text, 0);
    ASSERT_EQ(c.code, code);
    ASSERT_EQ(c.size, text.size());
  }
}

TEST(Utf8, ShortensBetweenCharacters) {
  EXPECT_EQ(Shorten("abc", 3), "abc");
  EXPECT_EQ(Shorten("aéb", 2), "a...");
}

}  // namespace
}  // namespace dspex
