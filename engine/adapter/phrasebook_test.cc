#include "engine/adapter/phrasebook.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "engine/adapter/adapter.h"
#include "engine/base/error.h"

namespace dspex {

extern const char kBuiltInPhrasebook[];

namespace {

using ::testing::HasSubstr;

Json BuiltInJson() { return ParseJson(kBuiltInPhrasebook).value(); }

Json Pieces(const char* text) { return Json::parse(text); }

std::string ErrorOf(const Json& json) { return std::string(Phrasebook::FromJson(json.dump()).status().message()); }

TEST(PhrasebookTest, RendersSlotsAndLists) {
  Json json = BuiltInJson();
  json["text"]["field"] = Pieces(R"(["<", {"slot": "name"}, "|", {"slot": "type"}, "|", {"slot": "name"}, ">"])");
  json["text"]["chat_reminder"] = Pieces(R"([{"list": "fields", "sep": "; ", "none": "nothing"}, "."])");
  const auto book = Phrasebook::FromJson(json.dump());
  ASSERT_TRUE(book.ok()) << book.status();
  EXPECT_EQ((*book)->field.Render({{"name", "a"}, {"type", "int"}}), "<a|int|a>");
  EXPECT_EQ((*book)->field.Render({{"name", "a"}}), "<a||a>");
  EXPECT_EQ((*book)->chat_reminder.Render({{"fields", std::vector<std::string>{"x", "y"}}}), "x; y.");
  EXPECT_EQ((*book)->chat_reminder.Render({{"fields", std::vector<std::string>{}}}), "nothing.");
}

TEST(PhrasebookTest, ErrorsNameThePhrase) {
  Json missing = BuiltInJson();
  missing["text"].erase("xml_reminder");
  EXPECT_THAT(ErrorOf(missing), HasSubstr("'xml_reminder' is missing"));
  EXPECT_EQ(ErrorMetadata(Phrasebook::FromJson(missing.dump()).status(), "phrase"), "xml_reminder");
  Json slot = BuiltInJson();
  slot["text"]["field"].push_back(Pieces(R"({"slot": "colour"})"));
  EXPECT_THAT(ErrorOf(slot), HasSubstr("'field' has the unknown slot 'colour'"));
  Json piece = BuiltInJson();
  piece["text"]["field"].push_back(7);
  EXPECT_THAT(ErrorOf(piece), HasSubstr("'field' has a piece"));
  Json two = BuiltInJson();
  two["text"]["field"].push_back(Pieces(R"({"slot": "name", "list": "name"})"));
  EXPECT_THAT(ErrorOf(two), HasSubstr("'field' has a piece"));
  Json unknown = BuiltInJson();
  unknown["text"]["farewell"] = Json::array();
  EXPECT_THAT(ErrorOf(unknown), HasSubstr("'farewell' is no phrase"));
  Json schema = BuiltInJson();
  schema["builtin_schema"]["Image"] = "{";
  EXPECT_THAT(ErrorOf(schema), HasSubstr("'builtin_schema.Image'"));
  Json part = BuiltInJson();
  part["more"] = 1;
  EXPECT_THAT(ErrorOf(part), HasSubstr("'more' is no part"));
  for (const char* text : {"[]", "{", "{}", R"({"name": "x"})", R"({"name": "", "text": {}})"}) {
    EXPECT_EQ(Phrasebook::FromJson(text).status().code(), absl::StatusCode::kInvalidArgument) << text;
  }
}

TEST(PhrasebookTest, PhrasesThatDspyDoesNotHaveMayBeMissing) {
  Json json = BuiltInJson();
  for (const char* id : {"pattern", "one_of", "min_items", "max_items", "unique"}) {
    json["text"].erase(std::string("constraint_") + id);
  }
  json["versions"] = {{"dspy", "1"}};
  json["probe_sha256"] = "00";
  const auto book = Phrasebook::FromJson(json.dump());
  ASSERT_TRUE(book.ok()) << book.status();
  EXPECT_TRUE((*book)->constraint_pattern.empty());
  EXPECT_FALSE((*book)->constraint_gt.empty());
}

TEST(PhrasebookTest, SignaturesAreReadAndChecked) {
  Json json = BuiltInJson();
  json["signature"] = {{"Judge", {{"instructions", "Judge."}, {"fields", {{"score", "how good"}}}}}};
  const auto book = Phrasebook::FromJson(json.dump());
  ASSERT_TRUE(book.ok()) << book.status();
  const SignatureWording& wording = (*book)->signatures.at("Judge");
  EXPECT_EQ(wording.instructions, "Judge.");
  EXPECT_EQ(wording.descriptions.at("score"), "how good");

  json["signature"]["Judge"]["fields"]["score"] = 1;
  EXPECT_THAT(ErrorOf(json), HasSubstr("'signature.Judge.fields.score' is no text"));
  json["signature"]["Judge"] = {{"instructions", "Judge."}, {"more", 1}};
  EXPECT_THAT(ErrorOf(json), HasSubstr("'signature.Judge.more' is no part"));
  json["signature"]["Judge"] = Json::object();
  EXPECT_THAT(ErrorOf(json), HasSubstr("'signature.Judge' has no text `instructions`"));
  json["signature"] = 1;
  EXPECT_THAT(ErrorOf(json), HasSubstr("'signature' is no JSON object"));
}

TEST(PhrasebookTest, SizeIsBounded) {
  Json json = BuiltInJson();
  json["text"]["field"] = Json::array({std::string(kMaxPhrasebookBytes, 'x')});
  EXPECT_FALSE(Phrasebook::FromJson(json.dump()).ok());
  json["text"]["field"] = Json::array();
  for (int i = 0; i < 50'000; ++i) json["text"]["field"].push_back("");
  EXPECT_FALSE(Phrasebook::FromJson(json.dump()).ok());
}

TEST(PhrasebookTest, AnAdapterSpeaksTheWordsOfItsPhrasebook) {
  Json json = BuiltInJson();
  json["text"]["chat_reminder"] = Pieces(R"(["SPEAK: ", {"list": "fields", "sep": "+"}])");
  const auto adapter =
      BindAdapter({}, Phrasebook::FromJson(json.dump()).value(), Signature::FromString("q -> a, n: int").value(), {});
  const auto turns = (*adapter)->Turns(Json{{"q", "hi"}});
  EXPECT_EQ(std::get<lm::TextPart>(turns->at(0).parts[0]).text,
            "[[ ## q ## ]]\nhi\n\nSPEAK: `[[ ## a ## ]]`+`[[ ## n ## ]]` (int)");
}

}  // namespace
}  // namespace dspex
