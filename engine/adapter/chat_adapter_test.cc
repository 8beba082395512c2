#include <absl/strings/match.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdlib>
#include <fstream>
#include <iterator>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "dspex/v1/signature.pb.h"
#include "engine/adapter/testing.h"
#include "engine/base/error.h"

namespace dspex {
namespace {

using namespace std::string_literals;

using ::testing::HasSubstr;
using ::testing::Not;

using testing_support::Bind;
using testing_support::Rendered;
using testing_support::Sig;
using testing_support::TextOf;
using testing_support::TurnText;

absl::StatusOr<Json> Parse(absl::string_view signature, absl::string_view completion) {
  return Bind(AdapterKind::kChat, Sig(signature))->Parse(completion);
}

std::vector<lm::Message> Prefix(const Signature& signature, const std::vector<Json>& demos) {
  return Bind(AdapterKind::kChat, signature, demos)->prefix();
}

// The file shows a whole conversation as a model sees it. DSPEX_UPDATE_GOLDEN=path writes it anew.
TEST(ChatAdapterFormatTest, ConversationIsTheGoldenOne) {
  const Signature signature =
      Sig("question: str, numbers: list[int], unit: Optional[str] -> thought, answer: float, label: Literal['yes', "
          "'no'], sure: bool, count: int, parts: dict[str, list[float]], note: Optional[str]",
          "Answer the question.\nUse the numbers.");
  const Json complete = {{"question", "How much is that together?"},
                         {"numbers", {1, 2}},
                         {"unit", "m"},
                         {"thought", "Add them up."},
                         {"answer", 3.0},
                         {"label", "yes"},
                         {"sure", true},
                         {"count", 2},
                         {"parts", {{"é", {1.0, 2.5}}}},
                         {"note", "none"}};
  const Json incomplete = {{"question", "And these?"}, {"numbers", {4}}, {"answer", 1e22}, {"label", "no"}};
  const auto adapter = Bind(AdapterKind::kChat, signature, {complete, incomplete});
  std::vector<lm::Message> messages = adapter->prefix();
  const auto turns = adapter->Turns(Json{{"question", "Sum?\nQuickly."}, {"numbers", {7, 8}}, {"unit", nullptr}});
  ASSERT_TRUE(turns.ok()) << turns.status();
  messages.push_back(turns->front());
  const std::string rendered = Rendered(messages);
  if (const char* update = std::getenv("DSPEX_UPDATE_GOLDEN"); update != nullptr) std::ofstream(update) << rendered;
  std::ifstream file("engine/adapter/testdata/conversation.txt");
  const std::string golden((std::istreambuf_iterator<char>(file)), std::istreambuf_iterator<char>());
  EXPECT_EQ(rendered, golden);
}

TEST(ChatAdapterFormatTest, DefaultInstructionsNameTheFields) {
  const std::string system = TextOf(Prefix(Sig("question, context -> answer"), {})[0]);
  EXPECT_THAT(system, HasSubstr("`question`, `context`"));
  EXPECT_THAT(system, ::testing::EndsWith("`answer`."));
  EXPECT_THAT(TextOf(Prefix(Sig("question -> answer", "Be brief."), {})[0]), ::testing::EndsWith("Be brief."));
}

TEST(ChatAdapterFormatTest, SystemMessageDescribesFieldsThatHaveADescription) {
  const std::string system = TextOf(Prefix(Sig("question -> answer"), {})[0]);
  EXPECT_THAT(system, HasSubstr("- `question` (str)\n"));
  EXPECT_THAT(system, Not(HasSubstr("${question}")));
}

TEST(ChatAdapterFormatTest, IncompleteDemosComeFirstAndOneSidedOnesNotAtAll) {
  const Signature signature = Sig("a, b -> c, d");
  const std::vector<Json> demos = {
      {{"a", "whole1"}, {"b", "x"}, {"c", "x"}, {"d", "x"}},
      {{"a", "no outputs"}, {"b", "x"}},
      {{"a", "lacks b"}, {"c", "x"}, {"d", "x"}},
      {{"c", "no inputs"}, {"d", "x"}},
      {{"a", "d is null"}, {"b", "x"}, {"c", "x"}, {"d", nullptr}},
      {{"a", "whole2"}, {"b", "x"}, {"c", "x"}, {"d", "x"}},
      {{"a", "lacks d"}, {"b", "x"}, {"c", "x"}},
  };
  const std::vector<lm::Message> messages = Prefix(signature, demos);
  ASSERT_EQ(messages.size(), 1 + 2 * 5);
  const char* const order[] = {"lacks b", "d is null", "lacks d", "whole1", "whole2"};
  for (std::size_t i = 0; i < 5; ++i) {
    const lm::Message& question = messages[1 + 2 * i];
    const lm::Message& answer = messages[2 + 2 * i];
    EXPECT_EQ(question.role, lm::Role::kUser);
    EXPECT_EQ(answer.role, lm::Role::kAssistant);
    EXPECT_THAT(TextOf(question), HasSubstr(order[i]));
    EXPECT_EQ(absl::StartsWith(TextOf(question), "[[ ## a ## ]]"), i >= 3) << "incomplete demos say so";
    EXPECT_THAT(TextOf(answer), ::testing::EndsWith("\n\n[[ ## completed ## ]]\n"));
  }
  EXPECT_THAT(TextOf(messages[4]), HasSubstr("[[ ## d ## ]]\nNone"));
  EXPECT_THAT(TextOf(messages[6]), HasSubstr("[[ ## d ## ]]\n(left out"));
}

TEST(ChatAdapterFormatTest, MessagesAreStrippedAtTheirEnds) {
  const Signature signature = Sig("a -> b");
  const std::vector<lm::Message> messages = Prefix(signature, {{{"a", "x \xE3\x80\x80\n"}, {"b", "y \n\n"}}});
  EXPECT_EQ(TextOf(messages[1]), "[[ ## a ## ]]\nx");
  EXPECT_EQ(TextOf(messages[2]), "[[ ## b ## ]]\ny\n\n[[ ## completed ## ]]\n");
}

TEST(ChatAdapterFormatTest, TurnGivesInputsThenTheReminder) {
  const Signature signature = Sig("q, n: int, f: float, b: bool, l: list[str], o: Optional[int] -> a: int, t");
  const std::string turn =
      TurnText(*Bind(AdapterKind::kChat, signature),
               Json{{"q", "why?"}, {"n", 3}, {"f", 1e22}, {"b", true}, {"l", {"ä", "b\"c"}}, {"o", nullptr}});
  EXPECT_THAT(turn, ::testing::StartsWith("[[ ## q ## ]]\nwhy?\n\n[[ ## n ## ]]\n3\n\n[[ ## f ## ]]\n1e+22\n\n"
                                          "[[ ## b ## ]]\nTrue\n\n[[ ## l ## ]]\n[\"ä\", \"b\\\"c\"]\n\n"
                                          "[[ ## o ## ]]\nNone\n\n"));
  EXPECT_THAT(turn, HasSubstr("`[[ ## a ## ]]` (int), then `[[ ## t ## ]]`"));
  EXPECT_THAT(turn, HasSubstr("`[[ ## completed ## ]]`"));
}

TEST(ChatAdapterFormatTest, SignatureWithoutInputsAsksAllTheSame) {
  const Signature signature = Sig("-> joke");
  EXPECT_THAT(TurnText(*Bind(AdapterKind::kChat, signature), Json::object()),
              ::testing::StartsWith("Reply with `[[ ## joke ## ]]`"));
  EXPECT_EQ(Prefix(signature, {{{"joke", "ha"}}}).size(), 3u);
}

TEST(ChatAdapterParseTest, GivesTypedFieldsInTheSignaturesOrder) {
  const auto fields = Parse("q -> answer: float, label: Literal['yes', 'no'], items: list[int], text",
                            "[[ ## text ## ]]\nIt's \"so\"\n\n[[ ## items ## ]]\n[1, 2]\n\n[[ ## label ## ]]\n'yes'\n\n"
                            "[[ ## answer ## ]]\n42\n\n[[ ## completed ## ]]");
  ASSERT_TRUE(fields.ok()) << fields.status();
  EXPECT_EQ(fields->dump(), R"({"answer":42.0,"label":"yes","items":[1,2],"text":"It's \"so\""})");
}

TEST(ChatAdapterParseTest, FirstSectionWinsAndUnknownOnesAreIgnored) {
  const auto fields = Parse("q -> a, b",
                            "Here:\n[[ ## thoughts ## ]]\nhm\n[[ ## a ## ]]\nfirst\n[[ ## a ## ]]\nsecond\n"
                            "[[ ## q ## ]]\nan input\n[[ ## b ## ]]\nB\n[[ ## completed ## ]]\ntrailing talk");
  ASSERT_TRUE(fields.ok()) << fields.status();
  EXPECT_EQ(fields->dump(), R"({"a":"first","b":"B"})");
}

TEST(ChatAdapterParseTest, AFieldMayBeNamedAsTheLastMarker) {
  const auto fields = Parse("q -> completed: bool", "[[ ## completed ## ]]\ntrue\n\n[[ ## completed ## ]]\n");
  ASSERT_TRUE(fields.ok()) << fields.status();
  EXPECT_EQ(fields->dump(), R"({"completed":true})");
}

TEST(ChatAdapterParseTest, MissingOutputIsNoneWhereTheTypeAllowsIt) {
  const auto fields = Parse("q -> a, b: Optional[int]", "[[ ## a ## ]]\nx");
  ASSERT_TRUE(fields.ok()) << fields.status();
  EXPECT_EQ(fields->dump(), R"({"a":"x","b":null})");
}

TEST(ChatAdapterParseTest, MissingOutputHasItsDefault) {
  v1::Signature proto;
  proto.add_outputs()->set_name("a");
  v1::Field& field = *proto.add_outputs();
  field.set_name("b");
  field.set_type("int | None");
  field.set_default_json("7");
  const auto adapter = Bind(AdapterKind::kChat, Signature::FromProto(proto).value());
  EXPECT_EQ(adapter->Parse("[[ ## a ## ]]\nx").value().dump(), R"({"a":"x","b":7})");
  EXPECT_EQ(adapter->Parse("[[ ## a ## ]]\nx\n[[ ## b ## ]]\n1").value().dump(), R"({"a":"x","b":1})");
}

TEST(ChatAdapterParseTest, HostileTextsEndInTime) {
  const auto adapter = Bind(AdapterKind::kChat, Sig("q -> a: list[int], b"));
  std::string markers;
  for (int i = 0; i < 500'000; ++i) markers += "[[ ## a ## ]]\n";
  EXPECT_FALSE(adapter->Parse(markers).ok());
  EXPECT_FALSE(adapter->Parse(std::string(10'000'000, '[')).ok());
  EXPECT_FALSE(adapter->Parse("[[ ## b ## ]]\nx\n[[ ## a ## ]]\n" + std::string(100'000, '[')).ok());
  std::string open;
  for (int i = 0; i < 1'000'000; ++i) open += "[[ ## ";
  EXPECT_FALSE(adapter->Parse(open).ok());
  const auto nul = adapter->Parse("[[ ## b ## ]]\n\0x\n[[ ## a ## ]]\n[1]"s);
  ASSERT_TRUE(nul.ok()) << nul.status();
  EXPECT_EQ((*nul)["b"].get<std::string>(), std::string("\0x", 2));
}

TEST(ChatAdapterParseTest, EmptySectionIsAnEmptyText) {
  const auto fields = Parse("q -> a, b", "[[ ## a ## ]]\n\n[[ ## b ## ]]\nx");
  ASSERT_TRUE(fields.ok()) << fields.status();
  EXPECT_EQ(fields->dump(), R"({"a":"","b":"x"})");
}

TEST(ChatAdapterParseTest, MissingOutputNamesTheField) {
  const absl::Status status = Parse("q -> a, b: int", "[[ ## a ## ]]\nthe secret").status();
  EXPECT_EQ(status.code(), absl::StatusCode::kDataLoss);
  EXPECT_EQ(ErrorReason(status), "COMPLETION_UNPARSABLE");
  EXPECT_EQ(ErrorMetadata(status, "field"), "b");
  EXPECT_EQ(ErrorMetadata(status, "problem"), "missing");
  EXPECT_THAT(std::string(status.message()), HasSubstr("'b'"));
  EXPECT_THAT(status.ToString(), Not(HasSubstr("secret")));
}

TEST(ChatAdapterParseTest, ValueOfAnotherTypeNamesFieldAndTypeButNotTheText) {
  const absl::Status status = Parse("q -> a: int", "[[ ## a ## ]]\nsecret").status();
  EXPECT_EQ(status.code(), absl::StatusCode::kDataLoss);
  EXPECT_EQ(ErrorReason(status), "COMPLETION_UNPARSABLE");
  EXPECT_EQ(ErrorMetadata(status, "field"), "a");
  EXPECT_EQ(ErrorMetadata(status, "problem"), "invalid");
  EXPECT_EQ(ErrorMetadata(status, "type"), "int");
  EXPECT_THAT(status.ToString(), Not(HasSubstr("secret")));
}

TEST(ChatAdapterParseTest, ValueWithinAListNamesItsPlace) {
  const absl::Status status = Parse("q -> a: list[int]", "[[ ## a ## ]]\n[1, \"x\"]").status();
  EXPECT_EQ(ErrorMetadata(status, "type"), "list[int]");
  EXPECT_THAT(ErrorMetadata(status, "path"), HasSubstr("[1]"));
}

TEST(ChatAdapterParseTest, TextIsValidUtf8WhateverCame) {
  const auto fields = Parse("q -> a, b: list[str]", "[[ ## a ## ]]\n\xFFx\n[[ ## b ## ]]\n[\"\xC3\"]");
  ASSERT_TRUE(fields.ok()) << fields.status();
  EXPECT_EQ((*fields)["a"].get<std::string>(), "\xEF\xBF\xBDx");
  EXPECT_EQ((*fields)["b"][0].get<std::string>(), "\xEF\xBF\xBD");
}

}  // namespace
}  // namespace dspex
