#include "server/config/yaml_document.h"

#include <absl/strings/str_cat.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

namespace dspex {
namespace {

using ::testing::HasSubstr;
using ::testing::StartsWith;

std::string ErrorOf(const std::string& text) {
  const auto document = ParseYaml(text, "f.yaml");
  EXPECT_FALSE(document.ok()) << text;
  EXPECT_EQ(document.status().code(), absl::StatusCode::kInvalidArgument);
  return std::string(document.status().message());
}

TEST(ParseYaml, KeepsOrderTextAndPlaces) {
  const auto document = ParseYaml("b: 1\na:\n  - x\n  - \"2\"\n", "f.yaml");
  ASSERT_TRUE(document.ok()) << document.status();
  ASSERT_EQ(document->kind, YamlNode::Kind::kMap);
  ASSERT_EQ(document->entries.size(), 2u);
  EXPECT_EQ(document->entries[0].key, "b");
  EXPECT_EQ(document->entries[0].value.text, "1");
  EXPECT_FALSE(document->entries[0].value.quoted);
  const YamlEntry& list = document->entries[1];
  EXPECT_EQ(list.line, 2);
  EXPECT_EQ(list.column, 1);
  ASSERT_EQ(list.value.items.size(), 2u);
  EXPECT_EQ(list.value.items[1].text, "2");
  EXPECT_TRUE(list.value.items[1].quoted);
  EXPECT_EQ(list.value.items[1].line, 4);
  EXPECT_EQ(list.value.items[1].column, 5);
}

TEST(ParseYaml, EmptyTextIsNull) {
  for (const char* text : {"", "\n", "# only a comment\n", "---\n", "~"}) {
    const auto document = ParseYaml(text, "f.yaml");
    ASSERT_TRUE(document.ok()) << text;
    EXPECT_EQ(document->kind, YamlNode::Kind::kNull) << text;
  }
}

TEST(ParseYaml, RefusesADuplicateKeyWithBothLines) {
  EXPECT_EQ(ErrorOf("a: 1\nb: 2\na: 3\n"), "f.yaml:3:1: key 'a' was already given on line 1; remove one of them");
  EXPECT_THAT(ErrorOf("x: {a: 1, a: 2}"), StartsWith("f.yaml:1:11: key 'a'"));
}

TEST(ParseYaml, RefusesWhatIsNotPlainData) {
  EXPECT_EQ(ErrorOf("a: &x 1\n"), "f.yaml:1:4: anchors are not supported; write the value where it is used");
  EXPECT_THAT(ErrorOf("a: &x [*x]\n"), HasSubstr("anchors"));
  EXPECT_THAT(ErrorOf("a: !!str 1\n"), HasSubstr("tags are not supported"));
  EXPECT_THAT(ErrorOf("a: !x {b: 1}\n"), HasSubstr("tags are not supported"));
  EXPECT_THAT(ErrorOf("[a]: 1\n"), HasSubstr("a key must be a single word"));
  EXPECT_THAT(ErrorOf("~: 1\n"), HasSubstr("a key must be a single word"));
  EXPECT_EQ(ErrorOf("a: 1\n---\nb: 2\n"), "f.yaml:2:1: only one document is allowed; remove the others");
}

TEST(ParseYaml, SyntaxErrorsHaveAPlace) {
  EXPECT_THAT(ErrorOf("a: [1\nb: 2\n"), StartsWith("f.yaml:2:"));
  EXPECT_THAT(ErrorOf("a: b: c\n"), StartsWith("f.yaml:1:"));
}

TEST(ParseYaml, BoundsDepthAndSize) {
  std::string nested = std::string(32, '[') + std::string(32, ']');
  EXPECT_TRUE(ParseYaml(nested, "f.yaml").ok());
  EXPECT_THAT(ErrorOf(absl::StrCat("[", nested, "]")), HasSubstr("nested too deeply"));
  EXPECT_THAT(ErrorOf(std::string(200'000, '[')), StartsWith("f.yaml:1:"));
  EXPECT_THAT(ErrorOf(std::string((1 << 20) + 1, '#')), HasSubstr("larger than 1 MiB"));
}

TEST(ParseYaml, ManyKeysTakeLinearTime) {
  std::string text;
  for (int i = 0; i < 100'000; ++i) absl::StrAppend(&text, "k", i, ":\n");
  const auto document = ParseYaml(text, "f.yaml");
  ASSERT_TRUE(document.ok());
  EXPECT_EQ(document->entries.size(), 100'000u);
}

}  // namespace
}  // namespace dspex
