#include "server/cli/example_file.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <sstream>

namespace dspex::cli {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

// "LINE JSON" of each example; the error's message as the last one.
std::vector<std::string> Read(const std::string& text, ExampleFile::Format format) {
  std::istringstream input(text);
  ExampleFile file(input, "data", format);
  std::vector<std::string> read;
  while (true) {
    const absl::StatusOr<std::optional<FileExample>> example = file.Next();
    if (!example.ok()) {
      read.emplace_back(example.status().message());
      return read;
    }
    if (!example->has_value()) return read;
    read.push_back(std::to_string((*example)->line) + " " + (*example)->fields_json);
  }
}
std::vector<std::string> Json(const std::string& text) { return Read(text, ExampleFile::Format::kJsonLines); }
std::vector<std::string> Csv(const std::string& text) { return Read(text, ExampleFile::Format::kCsv); }

TEST(ExampleFileTest, JsonLinesSkipBlankLinesAndCountThem) {
  EXPECT_THAT(Json("\xEF\xBB\xBF{\"a\":1}\r\n\n  \n{\"a\":2}"), ElementsAre("1 {\"a\":1}", "4 {\"a\":2}"));
  EXPECT_THAT(Json(""), IsEmpty());
  EXPECT_THAT(Json("\n\n"), IsEmpty());
}

TEST(ExampleFileTest, LinesMayGoAcrossBlocks) {
  std::string text;
  for (int i = 0; i < 1000; ++i) text += std::string(997, 'x') + "\n";
  const std::vector<std::string> read = Json(text);
  ASSERT_EQ(read.size(), 1000u);
  EXPECT_EQ(read[999], "1000 " + std::string(997, 'x'));
}

TEST(ExampleFileTest, BrokenUtf8AndEndlessLinesNameTheirLine) {
  EXPECT_THAT(Json("{}\n{\"a\":\"\xff\"}\n"), ElementsAre("1 {}", HasSubstr("data:2: is not UTF-8 at byte 7")));
  EXPECT_THAT(Json("{}\n" + std::string(5 << 20, 'x')),
              ElementsAre("1 {}", HasSubstr("data:2: is longer than 4194304")));
  EXPECT_THAT(Csv("a\n\xff\n"), ElementsAre(HasSubstr("data:2: is not UTF-8")));
  EXPECT_THAT(Csv("a\n\"" + std::string(5 << 20, '\n')), ElementsAre(HasSubstr("is longer than 4194304")));
}

TEST(ExampleFileTest, CsvHasQuotesCommasAndLineBreaksInValues) {
  EXPECT_THAT(
      Csv("a,b\r\n1,\"x, \"\"y\"\"\r\nz\"\r\n\r\n,\n\"\",\u00fc\"\n"),
      ElementsAre(R"(2 {"a":"1","b":"x, \"y\"\r\nz"})", R"(5 {"a":"","b":""})", "6 {\"a\":\"\",\"b\":\"\u00fc\\\"\"}"));
  EXPECT_THAT(Csv("a\nlast"), ElementsAre(R"(2 {"a":"last"})"));
}

TEST(ExampleFileTest, BrokenCsvNamesItsLine) {
  EXPECT_THAT(Csv(""), ElementsAre(HasSubstr("data:1: is missing")));
  EXPECT_THAT(Csv("a,a\n"), ElementsAre(HasSubstr("data:1: names the field a twice")));
  EXPECT_THAT(Csv("a,\n"), ElementsAre(HasSubstr("data:1: has a field without a name")));
  EXPECT_THAT(Csv("a,b\n1,2\n1,2,3\n"), ElementsAre(R"(2 {"a":"1","b":"2"})", HasSubstr("data:3: has 3 values")));
  EXPECT_THAT(Csv("a\n\"x\ny\n"), ElementsAre(HasSubstr("data:2: has a quote that is never closed")));
  EXPECT_THAT(Csv("a\n\"x\"y\n"), ElementsAre(HasSubstr("data:2: has text behind a quoted value")));
}

}  // namespace
}  // namespace dspex::cli
