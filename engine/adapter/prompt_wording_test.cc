// What prompts say of fields, and how values, demos, blocks and past turns are printed: what the layouts share.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "dspex/v1/signature.pb.h"
#include "engine/adapter/custom_type.h"
#include "engine/adapter/testing.h"
#include "engine/base/error.h"

namespace dspex {
namespace {

using ::testing::EndsWith;
using ::testing::HasSubstr;
using testing_support::Bind;
using testing_support::Rendered;
using testing_support::Sig;
using testing_support::TextOf;
using testing_support::TurnText;
using testing_support::Types;

const std::string& SystemOf(const Signature& signature) {
  static std::string text;
  text = TextOf(Bind(AdapterKind::kChat, signature)->prefix().at(0));
  return text;
}

TEST(FieldListTest, NamesTypesAndConstraints) {
  v1::Signature proto;
  v1::Field& input = *proto.add_inputs();
  input.set_name("n");
  input.set_type("int");
  input.set_description("How many.");
  for (const auto& [rule, value] : {std::pair("ge", "1"), std::pair("lt", "5.0"), std::pair("one_of", "[1, 2]")}) {
    v1::Constraint& constraint = *input.add_constraints();
    constraint.set_rule(rule);
    constraint.set_value_json(value);
  }
  proto.add_outputs()->set_name("a");
  EXPECT_THAT(SystemOf(Signature::FromProto(proto).value()),
              HasSubstr("- `n` (int): How many.\n  Limits: at least 1; below 5.0; one of [1, 2]\n"));
}

TEST(FieldListTest, DspysTypesSayWhatTheyAre) {
  const std::string system = SystemOf(Sig("c: dspy.Code[\"Java\"] -> t: list[dspy.ToolCalls], r: dspy.Reasoning"));
  EXPECT_THAT(system, HasSubstr("- `c` (Code_Java)\n  Code_Java: Java source code, in a Markdown fence: ```java"));
  EXPECT_THAT(system, HasSubstr("- `t` (list[ToolCalls])\n  ToolCalls: a JSON object"));
  EXPECT_THAT(system, HasSubstr("- `r` (str)\n"));
}

TEST(PlaceholderTest, OutputsSayWhatTheyMustLookLike) {
  const auto types = Types({{"Colour", R"({"enum": ["red", 2], "title": "Colour"})"}, {"Pair", R"({"type": "object",
                                         "properties": {"z": {"type": "integer", "title": "Z"},
                                         "a": {"type": "string", "title": "A"}},
                                         "required": ["z"], "title": "Pair"})"}});
  const std::string system =
      SystemOf(Sig("q -> s, b: bool, i: int, f: float, l: Literal['x', 1, None], e: Colour, p: Pair, c: dspy.Code",
                   "Do it.", types));
  EXPECT_THAT(system, HasSubstr("\n<q>\n"));
  EXPECT_THAT(system, HasSubstr("\n<s>\n"));
  EXPECT_THAT(system, HasSubstr("<b> (True or False)\n"));
  EXPECT_THAT(system, HasSubstr("<i> (one int)\n"));
  EXPECT_THAT(system, HasSubstr("<f> (one float)\n"));
  EXPECT_THAT(system, HasSubstr("<l> (one of: x | 1 | None)\n"));
  EXPECT_THAT(system, HasSubstr("<e> (one of: red | 2)\n"));
  EXPECT_THAT(
      system,
      HasSubstr(R"(<p> (JSON that fits this schema: {"type": "object", "properties": {"a": {"type": "string",)"));
  EXPECT_THAT(system, HasSubstr("\n<c>\n"));
}

TEST(InstructionsTest, AreDedentedLineByLine) {
  EXPECT_THAT(SystemOf(Sig("q -> a", "One.\n  Two.\n   \nThree.")), EndsWith("The task: One.\n  Two.\n\nThree."));
  EXPECT_THAT(SystemOf(Sig("q -> a", "One.\xE2\x80\xA8Two.")), EndsWith("The task: One.\nTwo."));
}

TEST(ValueTest, AListUnderATextIsNumbered) {
  const auto adapter = Bind(AdapterKind::kChat, Sig("a -> b"));
  EXPECT_THAT(TurnText(*adapter, {{"a", Json::array()}}), HasSubstr("]]\nN/A\n\n"));
  EXPECT_THAT(TurnText(*adapter, {{"a", {"one"}}}), HasSubstr("]]\n«one»\n\n"));
  EXPECT_THAT(TurnText(*adapter, {{"a", {"one", "two\nlines", "«q»"}}}),
              HasSubstr("]]\n[1] «one»\n[2] «««\n    two\n    lines\n»»»\n[3] «««\n    «q»\n»»»\n\n"));
  EXPECT_THAT(TurnText(*adapter, {{"a", {Json{"x", nullptr}, Json{{"k", true}}}}}),
              HasSubstr("]]\n[1] «['x', None]»\n[2] «{'k': True}»\n\n"));
  const absl::Status status = adapter->Turns({{"a", {"one", 2}}}).status();
  EXPECT_EQ(ErrorReason(status), "INVALID_VALUE");
  EXPECT_EQ(ErrorMetadata(status, "field"), "a");
}

TEST(ValueTest, ContainersAreJsonAndScalarsPythons) {
  const auto adapter = Bind(AdapterKind::kChat, Sig("a: list[str], b: Optional[float], c: dict[str, Any], d -> e"));
  EXPECT_THAT(TurnText(*adapter, {{"a", {"é", "\"\n"}}, {"b", 5.0}, {"c", {{"k", nullptr}}}, {"d", {{"x", 1e22}}}}),
              HasSubstr("]]\n[\"é\", \"\\\"\\n\"]\n\n[[ ## b ## ]]\n5.0\n\n[[ ## c ## ]]\n{\"k\": null}\n\n"
                        "[[ ## d ## ]]\n{\"x\": 1e+22}\n\n"));
}

TEST(BlockTest, SplitTheQuestionWhereTheyStand) {
  const auto adapter = Bind(AdapterKind::kChat, Sig("a: dspy.Image, b: list[dspy.Image], c -> d"));
  const auto turns = adapter->Turns({{"a", {{"url", "u1"}}}, {"b", {{{"url", "u2"}}, {{"url", "u3"}}}}, {"c", "x"}});
  ASSERT_TRUE(turns.ok()) << turns.status();
  EXPECT_THAT(Rendered(*turns), HasSubstr("=== user\n[[ ## a ## ]]\n(image u1)\n\n[[ ## b ## ]]\n[\"(image u2)\", "
                                          "\"(image u3)\"]\n\n[[ ## c ## ]]\nx\n\nReply"));
  EXPECT_EQ(turns->front().parts.size(), 7u);
}

TEST(BlockTest, EveryTypeHasItsPart) {
  const auto adapter =
      Bind(AdapterKind::kChat,
           Sig("a: dspy.Audio, f: dspy.File, d: dspy.experimental.Document, c: dspy.experimental.Citations -> x"));
  const Json citation = {{"cited_text", "q"}, {"document_index", 0}, {"start_char_index", 1}, {"end_char_index", 2}};
  const auto turns =
      adapter->Turns({{"a", {{"data", "QQ=="}, {"audio_format", "wav"}}},
                      {"f", {{"file_data", "data:,x"}, {"file_id", nullptr}, {"filename", "n"}}},
                      {"d", {{"data", "text"}, {"title", "T"}, {"media_type", "text/plain"}, {"context", nullptr}}},
                      {"c", {{"citations", {citation}}}}});
  ASSERT_TRUE(turns.ok()) << turns.status();
  const std::vector<lm::Part>& parts = turns->front().parts;
  ASSERT_EQ(parts.size(), 9u);
  EXPECT_EQ(std::get<lm::AudioPart>(parts[1]).format, "wav");
  EXPECT_EQ(std::get<lm::FilePart>(parts[3]).filename, "n");
  EXPECT_EQ(std::get<lm::DocumentPart>(parts[5]).title, "T");
  EXPECT_THAT(std::get<lm::BlockPart>(parts[7]).json, HasSubstr(R"("type": "char_location", "cited_text": "q")"));
}

TEST(BlockTest, AreMarkedTextInAnswersAndReadBackFromDemos) {
  const std::string marked = MarkedText(*BlocksOf(Type::Kind::kImage, {{"url", "u"}}));
  const auto adapter = Bind(AdapterKind::kChat, Sig("a: dspy.Image, t -> b: dspy.Image"),
                            {{{"a", marked}, {"t", "x"}, {"b", {{"url", "v"}}}}});
  const std::vector<lm::Message>& prefix = adapter->prefix();
  ASSERT_EQ(prefix.size(), 3u);
  EXPECT_EQ(prefix[1].parts.size(), 3u);
  EXPECT_EQ(std::get<lm::ImagePart>(prefix[1].parts[1]).url, "u");
  EXPECT_THAT(TextOf(prefix[2]), HasSubstr(std::string(kBlockMarkerStart) + R"([{"type": "image_url", )"));
}

TEST(BlockTest, MarkersInLiveTextAreSeenAndNeverExpanded) {
  const std::string text = MarkedText(*BlocksOf(Type::Kind::kImage, {{"url", "u"}}));
  EXPECT_TRUE(ContainsMarker({{"a", {{"b", {"x", "say " + text}}}}}));
  EXPECT_TRUE(ContainsMarker({{std::string(kBlockMarkerEnd), 1}}));
  EXPECT_FALSE(ContainsMarker({{"a", "<<CUSTOM-TYPE>>"}}));
  const auto adapter = Bind(AdapterKind::kChat, Sig("a -> b"));
  EXPECT_EQ(adapter->Turns({{"a", text}})->front().parts.size(), 1u);
}

TEST(ExpandMarkersTest, ReadsWhatItCan) {
  const std::string start(kBlockMarkerStart);
  const std::string end(kBlockMarkerEnd);
  EXPECT_EQ(ExpandMarkers("no markers").size(), 1u);
  EXPECT_EQ(ExpandMarkers(start + " not closed").size(), 1u);
  const auto parts = ExpandMarkers("a" + start + R"([{"type": "x", "y": 1}, 5, {"type": "text", "text": "t"}])" + end +
                                   start + R"([{\"type\": \"image_url\", \"image_url\": {\"url\": \"u\"}}])" + end);
  ASSERT_EQ(parts.size(), 5u);
  EXPECT_EQ(std::get<lm::BlockPart>(parts[1]).json, R"({"type": "x", "y": 1})");
  EXPECT_EQ(std::get<lm::TextPart>(parts[2]).text, "5");
  EXPECT_EQ(std::get<lm::TextPart>(parts[3]).text, "t");
  EXPECT_EQ(std::get<lm::ImagePart>(parts[4]).url, "u");
  std::string many;
  for (int i = 0; i < 200'000; ++i) many += start;
  EXPECT_EQ(ExpandMarkers(many).size(), 1u);
}

TEST(ToolTest, IsPrintedByItsSentence) {
  const Json tool = {{"name", "find"}, {"desc", "Looks\nit up."}, {"args", {{"q", {{"type", "string"}}}}}};
  const auto adapter = Bind(AdapterKind::kChat, Sig("t: dspy.Tool, l: list[dspy.Tool] -> b"));
  EXPECT_THAT(TurnText(*adapter, {{"t", tool}, {"l", {{{"name", "x"}, {"desc", nullptr}}}}}),
              HasSubstr("]]\nfind: Looks  it up. (arguments: {'q': {'type': 'string'}})\n\n[[ ## l ## ]]\n"
                        "[\"x (arguments: {})\"]\n\n"));
}

TEST(HistoryTest, TurnsComeBetweenDemosAndQuestion) {
  const auto adapter = Bind(AdapterKind::kChat, Sig("q, history: dspy.History -> a, b: int"));
  const auto turns =
      adapter->Turns({{"q", "now"}, {"history", {{"messages", {{{"q", "old"}, {"a", "x"}}, {{"a", "only"}}}}}}});
  ASSERT_TRUE(turns.ok()) << turns.status();
  EXPECT_EQ(Rendered(*turns),
            "=== user\n[[ ## q ## ]]\nold\n\nReply with `[[ ## a ## ]]`, then `[[ ## b ## ]]` (int), and close with "
            "`[[ ## completed ## ]]`.\n"
            "=== assistant\n[[ ## a ## ]]\nx\n\n[[ ## b ## ]]\nNone\n\n[[ ## completed ## ]]\n\n"
            "=== assistant\n[[ ## a ## ]]\nonly\n\n[[ ## b ## ]]\nNone\n\n[[ ## completed ## ]]\n\n"
            "=== user\n[[ ## q ## ]]\nnow\n\nReply with `[[ ## a ## ]]`, then `[[ ## b ## ]]` (int), and close with "
            "`[[ ## completed ## ]]`.\n");
  EXPECT_EQ(adapter->Turns({{"q", "now"}})->size(), 1u);
  EXPECT_EQ(adapter->Turns({{"q", "now"}, {"history", nullptr}})->size(), 1u);
  for (const char* wrong : {"[]", "{}", R"({"messages": 1})", R"({"messages": [1]})"}) {
    EXPECT_EQ(ErrorReason(adapter->Turns({{"history", Json::parse(wrong)}}).status()), "INVALID_VALUE") << wrong;
  }
}

TEST(HistoryTest, ToolResultsFollowTheirCalls) {
  const Json past = Json::parse(R"({"q": "old", "calls": {
      "tool_calls": [{"id": "c1", "name": "f", "args": {"x": 1}}],
      "tool_call_results": [{"call_id": "c1", "name": "f", "value": {"y": 2}}]}})");
  const Signature signature = Sig("q, history: dspy.History -> calls: dspy.ToolCalls");
  const Json inputs = {{"q", "now"}, {"history", {{"messages", {past}}}}};
  const std::string text = Rendered(Bind(AdapterKind::kChat, signature)->Turns(inputs).value());
  EXPECT_THAT(text, HasSubstr("]]\n{\"tool_calls\": [{\"name\": \"f\", \"args\": {\"x\": 1}}]}\n\n"));
  EXPECT_THAT(text, HasSubstr("=== user\n[[ ## tool_call_results ## ]]\n{\"tool_call_results\": [{\"call_id\": \"c1\", "
                              "\"name\": \"f\", \"value\": {\"y\": 2}, \"is_error\": false}]}\n"));
  const std::string native = Rendered(Bind(AdapterKind::kJson, signature, {}, true)->Turns(inputs).value());
  EXPECT_THAT(native, HasSubstr("=== assistant\n(call f{\"x\": 1})\n=== tool\n(result {\"y\": 2})\n"));
}

}  // namespace
}  // namespace dspex
