#include "engine/adapter/phrasebook.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "engine/adapter/adapter.h"

namespace dspex {

extern const char kBuiltInPhrasebook[];

namespace {

using ::testing::HasSubstr;

Json BuiltInJson() { return ParseJson(kBuiltInPhrasebook).value(); }

std::string ErrorOf(const Json& json) { return std::string(Phrasebook::FromJson(json.dump()).status().message()); }

TEST(PhrasebookTest, RendersSlotsAndLists) {
  Json json = BuiltInJson();
  json["field"] = Json::parse(R"(["<", {"slot": "name"}, "|", {"slot": "type"}, "|", {"slot": "name"}, ">"])");
  json["reminder"] = Json::parse(R"([{"list": "fields", "sep": "; ", "none": "nothing"}, "."])");
  const auto book = Phrasebook::FromJson(json.dump());
  ASSERT_TRUE(book.ok()) << book.status();
  EXPECT_EQ((*book)->field.Render({{"name", "a"}, {"type", "int"}}), "<a|int|a>");
  EXPECT_EQ((*book)->field.Render({{"name", "a"}}), "<a||a>");
  EXPECT_EQ((*book)->reminder.Render({{"fields", std::vector<std::string>{"x", "y"}}}), "x; y.");
  EXPECT_EQ((*book)->reminder.Render({{"fields", std::vector<std::string>{}}}), "nothing.");
}

TEST(PhrasebookTest, ErrorsNameThePhrase) {
  Json missing = BuiltInJson();
  missing.erase("reminder");
  EXPECT_THAT(ErrorOf(missing), HasSubstr("'reminder' is missing"));
  Json slot = BuiltInJson();
  slot["field"].push_back(Json::parse(R"({"slot": "colour"})"));
  EXPECT_THAT(ErrorOf(slot), HasSubstr("'field' has the unknown slot 'colour'"));
  Json piece = BuiltInJson();
  piece["field"].push_back(7);
  EXPECT_THAT(ErrorOf(piece), HasSubstr("'field' has a piece"));
  Json unknown = BuiltInJson();
  unknown["farewell"] = Json::array();
  EXPECT_THAT(ErrorOf(unknown), HasSubstr("'farewell' is not a phrase"));
  EXPECT_FALSE(Phrasebook::FromJson("[]").ok());
  EXPECT_FALSE(Phrasebook::FromJson("{").ok());
}

TEST(PhrasebookTest, AnAdapterSpeaksTheWordsOfItsPhrasebook) {
  Json json = BuiltInJson();
  json["reminder"] = Json::parse(R"(["SPEAK: ", {"list": "fields", "sep": "+"}])");
  const auto adapter = MakeChatAdapter(Phrasebook::FromJson(json.dump()).value());
  const lm::Message turn = adapter->FormatTurn(Signature::FromString("q -> a, n: int").value(), Json{{"q", "hi"}});
  EXPECT_EQ(std::get<lm::TextPart>(turn.parts[0]).text,
            "[[ ## q ## ]]\nhi\n\nSPEAK: `[[ ## a ## ]]`+`[[ ## n ## ]]` (int)");
}

}  // namespace
}  // namespace dspex
