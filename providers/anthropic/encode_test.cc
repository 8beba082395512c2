#include "providers/anthropic/encode.h"

#include <gtest/gtest.h>

#include <limits>
#include <nlohmann/json.hpp>

#include "engine/json/json.h"

namespace dspex::anthropic {
namespace {

using lm::Message;
using lm::Role;

constexpr char kModel[] = "claude-sonnet-4-5";

std::string Encode(const lm::Request& request, absl::string_view model = kModel, bool stream = false) {
  return EncodeHead(model, request.prefix.get()) + EncodeTail(request, ClassOf(model), stream);
}

std::shared_ptr<const lm::Prefix> MakePrefix(std::vector<Message> messages, bool reusable = true) {
  return std::make_shared<lm::Prefix>(std::move(messages), reusable);
}

Json EncodeTurns(std::vector<Message> turns) {
  lm::Request request;
  request.turns = std::move(turns);
  return Json::parse(Encode(request))["messages"];
}

TEST(AnthropicEncodeTest, SystemTextsStandBeforeTheTurns) {
  lm::Request request;
  request.prefix = MakePrefix({Message::Text(Role::kSystem, "Be \"brief\".\n"), Message::Text(Role::kUser, "é"),
                               Message::Text(Role::kAssistant, "\x01\\")});
  request.turns = {Message::Text(Role::kUser, "now")};
  EXPECT_EQ(Json::parse(Encode(request)), Json::parse(R"({"model":"claude-sonnet-4-5",
    "system":[{"type":"text","text":"Be \"brief\".\n"}],"messages":[
    {"role":"user","content":[{"type":"text","text":"é"}]},
    {"role":"assistant","content":[{"type":"text","text":"\u0001\\"}]},
    {"role":"user","content":[{"type":"text","text":"now"}]}],"max_tokens":16384})"));
}

TEST(AnthropicEncodeTest, WithoutPrefixOrTurns) {
  lm::Request request;
  EXPECT_EQ(Encode(request, "m\"1"), R"({"model":"m\"1","messages":[],"max_tokens":16384})");
  request.turns = {Message::Text(Role::kUser, "a")};
  EXPECT_EQ(Encode(request, "m", true),
            R"({"model":"m","messages":[{"role":"user","content":[{"type":"text","text":"a"}]}],"max_tokens":16384,)"
            R"("stream":true})");
  request.turns.clear();
  request.prefix = MakePrefix({Message::Text(Role::kSystem, "s")});
  EXPECT_EQ(Encode(request, "m"),
            R"({"model":"m","system":[{"type":"text","text":"s"}],"messages":[],"max_tokens":16384})");
}

TEST(AnthropicEncodeTest, TurnsOfOneSideBecomeOne) {
  EXPECT_EQ(EncodeTurns({Message::Text(Role::kUser, "a"), Message::Text(Role::kUser, " \n"),
                         Message::Text(Role::kAssistant, ""), Message{Role::kAssistant, {}},
                         Message::Text(Role::kSystem, "b"), Message::Text(Role::kAssistant, "c")}),
            Json::parse(R"([{"role":"user","content":[{"type":"text","text":"a"},{"type":"text","text":"b"}]},
                            {"role":"assistant","content":[{"type":"text","text":"c"}]}])"));
}

// However a conversation is cut into prefix and turns, the request is the same.
TEST(AnthropicEncodeTest, TurnsOfOneSideBecomeOneAcrossThePrefixsEnd) {
  const std::vector<Message> all = {Message::Text(Role::kSystem, "s"),    Message::Text(Role::kUser, "a"),
                                    Message::Text(Role::kUser, "b"),      Message::Text(Role::kAssistant, "c"),
                                    Message::Text(Role::kAssistant, " "), Message::Text(Role::kAssistant, "d"),
                                    Message::Text(Role::kUser, "e")};
  const std::string whole = Encode({MakePrefix(all), {}, nullptr});
  EXPECT_EQ(Json::parse(whole)["messages"].size(), 3u);
  for (std::size_t cut = 1; cut < all.size(); ++cut) {
    const auto middle = all.begin() + static_cast<std::ptrdiff_t>(cut);
    EXPECT_EQ(Encode({MakePrefix({all.begin(), middle}), {middle, all.end()}, nullptr}), whole) << cut;
  }
}

Json EncodeWith(lm::Options options, absl::string_view model = kModel) {
  lm::Request request;
  request.options = std::make_shared<lm::Options>(std::move(options));
  Json body = Json::parse(Encode(request, model));
  body.erase("model");
  body.erase("messages");
  return body;
}

TEST(AnthropicEncodeTest, Options) {
  EXPECT_EQ(EncodeWith({.temperature = 1.7,
                        .top_p = 0.5,
                        .max_tokens = 100,
                        .stop = {"a\"", "b"},
                        .seed = 1,
                        .frequency_penalty = -0.5,
                        .presence_penalty = 0.5}),
            Json::parse(R"({"max_tokens":100,"temperature":1.0,"top_p":0.5,"stop_sequences":["a\"","b"]})"));
  EXPECT_EQ(EncodeWith({.temperature = -1, .top_p = std::numeric_limits<double>::quiet_NaN()}),
            Json::parse(R"({"max_tokens":16384,"temperature":0.0})"));
  EXPECT_EQ(EncodeWith({}, "claude-3-haiku-20240307"), Json::parse(R"({"max_tokens":4096})"));
  EXPECT_EQ(EncodeWith({}, "claude-3-5-haiku-20241022"), Json::parse(R"({"max_tokens":8192})"));
}

TEST(AnthropicEncodeTest, Thinking) {
  EXPECT_EQ(EncodeWith({.max_tokens = 2000, .reasoning_effort = "low"}),
            Json::parse(R"({"max_tokens":4048,"thinking":{"type":"enabled","budget_tokens":2048}})"));
  EXPECT_EQ(EncodeWith({.max_tokens = std::numeric_limits<int>::max(), .reasoning_effort = "high"}),
            Json::parse(R"({"max_tokens":2147500031,"thinking":{"type":"enabled","budget_tokens":16384}})"));
  EXPECT_EQ(EncodeWith({.reasoning_effort = "none"}), Json::parse(R"({"max_tokens":16384})"));
  EXPECT_EQ(EncodeWith({.max_tokens = 2000, .reasoning_effort = "high"}, "claude-opus-4-6"),
            Json::parse(R"({"max_tokens":2000,"thinking":{"type":"adaptive"},"output_config":{"effort":"high"}})"));
  EXPECT_EQ(EncodeWith({.reasoning_effort = "minimal"}, "claude-opus-4-6")["output_config"]["effort"], "low");
  EXPECT_EQ(EncodeWith({.reasoning_effort = "mu\"ch"})["output_config"]["effort"], "mu\"ch");
}

TEST(AnthropicEncodeTest, SamplingIsWhatTheModelTakes) {
  const lm::Options usual = {.temperature = 0.2, .top_p = 0.5};
  lm::Options thinking = usual;
  thinking.reasoning_effort = "low";
  // Refused beside thoughts, whose temperature is 1.
  for (const absl::string_view model : {"claude-sonnet-4-5", "claude-opus-4-6"}) {
    const Json body = EncodeWith(thinking, model);
    EXPECT_TRUE(body.contains("thinking"));
    EXPECT_FALSE(body.contains("temperature")) << model;
    EXPECT_EQ(body["top_p"], 0.95) << model;
    EXPECT_EQ(EncodeWith(usual, model)["temperature"], 0.2) << model;
    EXPECT_EQ(EncodeWith(usual, model)["top_p"], 0.5) << model;
  }
  thinking.top_p = 0.99;
  EXPECT_EQ(EncodeWith(thinking)["top_p"], 0.99);
  thinking.reasoning_effort = "none";
  EXPECT_EQ(EncodeWith(thinking)["temperature"], 0.2);
  // Refused always.
  for (const absl::string_view model : {"claude-opus-4-7", "claude-sonnet-5", "claude-haiku-5-5"}) {
    EXPECT_EQ(EncodeWith(usual, model), Json::parse(R"({"max_tokens":16384})")) << model;
  }
}

TEST(AnthropicEncodeTest, ResponseFormats) {
  EXPECT_EQ(EncodeWith({.response_format = {.kind = lm::ResponseFormat::Kind::kJsonObject}}),
            Json::parse(R"({"max_tokens":16384})"));
  const auto schema = std::make_shared<const std::string>(R"({"type":"object"})");
  const lm::ResponseFormat format = {lm::ResponseFormat::Kind::kJsonSchema, "name", schema};
  EXPECT_EQ(EncodeWith({.response_format = format})["output_config"],
            Json::parse(R"({"format":{"type":"json_schema","schema":{"type":"object"}}})"));
  EXPECT_EQ(EncodeWith({.reasoning_effort = "low", .response_format = format}, "claude-opus-4-6")["output_config"],
            Json::parse(R"({"effort":"low","format":{"type":"json_schema","schema":{"type":"object"}}})"));
}

TEST(AnthropicEncodeTest, Tools) {
  const std::vector<lm::ToolSpec> tools = {
      {"f", R"("Does it.")", R"({"type":"object"})"}, {"g", "null", "{}"}, {"h", "", "{}"}};
  EXPECT_EQ(EncodeWith({.tools = tools})["tools"], Json::parse(R"([
    {"name":"f","description":"Does it.","input_schema":{"type":"object"}},
    {"name":"g","input_schema":{}},{"name":"h","input_schema":{}}])"));
  EXPECT_FALSE(EncodeWith({.tools = tools}).contains("tool_choice"));
  EXPECT_EQ(EncodeWith({.tools = tools, .parallel_tool_calls = true})["tool_choice"],
            Json::parse(R"({"type":"auto"})"));
  EXPECT_EQ(EncodeWith({.tools = tools, .parallel_tool_calls = false})["tool_choice"],
            Json::parse(R"({"type":"auto","disable_parallel_tool_use":true})"));
  EXPECT_FALSE(EncodeWith({.parallel_tool_calls = false}).contains("tool_choice"));
}

TEST(AnthropicEncodeTest, ImagesAndFiles) {
  EXPECT_EQ(
      EncodeTurns({Message{Role::kUser,
                           {lm::ImagePart{"data:image/jpg;base64,QQ=="}, lm::ImagePart{"https://x/y.png", "high"},
                            lm::FilePart{"data:application/pdf;base64,QQ==", "", "a.pdf"}, lm::FilePart{"QQ==", "", ""},
                            lm::FilePart{"", "file_1", ""}, lm::FilePart{"data:text/csv;base64,YSxi", "", "t.csv"},
                            lm::FilePart{"data:image/png;base64,QQ==", "", "i.png"}}}})[0]["content"],
      Json::parse(R"([
    {"type":"image","source":{"type":"base64","media_type":"image/jpeg","data":"QQ=="}},
    {"type":"image","source":{"type":"url","url":"https://x/y.png"}},
    {"type":"document","source":{"type":"base64","media_type":"application/pdf","data":"QQ=="},"title":"a.pdf"},
    {"type":"document","source":{"type":"base64","media_type":"application/pdf","data":"QQ=="}},
    {"type":"document","source":{"type":"file","file_id":"file_1"}},
    {"type":"document","source":{"type":"text","media_type":"text/plain","data":"a,b"},"title":"t.csv"},
    {"type":"image","source":{"type":"base64","media_type":"image/png","data":"QQ=="}}])"));
}

TEST(AnthropicEncodeTest, DocumentsAndBlocks) {
  EXPECT_EQ(EncodeTurns({Message{
                Role::kUser,
                {lm::DocumentPart{"words", "text/plain", "T", "C"}, lm::DocumentPart{"QQ==", "application/pdf"},
                 lm::BlockPart{R"({"type":"text","text":"a","x":1})"},
                 lm::BlockPart{R"({"type":"image_url","image_url":{"url":"https://x","detail":"low","x":1}})"},
                 lm::BlockPart{R"({"type":"search_result","title":"t"})"}, lm::BlockPart{"odd"},
                 lm::AudioPart{"QQ==", "wav"}}}})[0]["content"],
            Json::parse(R"([
    {"type":"document","source":{"type":"text","media_type":"text/plain","data":"words"},
     "citations":{"enabled":true},"title":"T","context":"C"},
    {"type":"document","source":{"type":"base64","media_type":"application/pdf","data":"QQ=="},
     "citations":{"enabled":true}},
    {"type":"text","text":"a"},{"type":"image","source":{"type":"url","url":"https://x"}},
    {"type":"search_result","title":"t"},{"type":"text","text":"odd"},
    {"type":"input_audio","input_audio":{"data":"QQ==","format":"wav"}}])"));
}

TEST(AnthropicEncodeTest, ToolsAndThoughtsInTurns) {
  EXPECT_EQ(
      EncodeTurns(
          {Message{Role::kAssistant,
                   {lm::TextPart{"hm"}, lm::ToolCallPart{"c1", "f", R"( {"a": 1} )"}, lm::ToolCallPart{"c2", "g", ""},
                    lm::ToolCallPart{"c3", "g", "[1]"}, lm::ToolCallPart{"c4", "g", "{\"a"},
                    lm::ReasoningPart{"anthropic", R"({"type":"thinking","thinking":"t","signature":"s"})"},
                    lm::ReasoningPart{"openai_responses", "{}"}, lm::ReasoningPart{"anthropic", "odd"}}},
           Message{Role::kTool, {lm::ToolResultPart{"c1", "one"}}},
           Message{Role::kTool, {lm::ToolResultPart{"c2", "", true}}},
           Message{Role::kUser, {lm::TextPart{"go on"}, lm::ToolResultPart{"c3", "three"}}}}),
      Json::parse(R"([{"role":"assistant","content":[
      {"type":"thinking","thinking":"t","signature":"s"},{"type":"text","text":"hm"},
      {"type":"tool_use","id":"c1","name":"f","input":{"a":1}},{"type":"tool_use","id":"c2","name":"g","input":{}},
      {"type":"tool_use","id":"c3","name":"g","input":{"arguments":"[1]"}},
      {"type":"tool_use","id":"c4","name":"g","input":{"arguments":"{\"a"}}]},
    {"role":"user","content":[{"type":"tool_result","tool_use_id":"c1","content":"one"},
      {"type":"tool_result","tool_use_id":"c2","is_error":true},
      {"type":"tool_result","tool_use_id":"c3","content":"three"},{"type":"text","text":"go on"}]}])"));
}

TEST(AnthropicEncodeTest, LongPrefixesAreMarkedForTheCacheOfPrompts) {
  const std::string text(5000, 'x');
  const auto body_of = [](std::vector<Message> messages, bool reusable = true) {
    return Json::parse(Encode({MakePrefix(std::move(messages), reusable), {Message::Text(Role::kUser, "u")}, nullptr}));
  };
  const Json mark = Json::parse(R"({"type":"ephemeral"})");
  const Json system = body_of({Message::Text(Role::kSystem, "a"), Message::Text(Role::kSystem, text)});
  EXPECT_FALSE(system["system"][0].contains("cache_control"));
  EXPECT_EQ(system["system"][1]["cache_control"], mark);
  const Json turns = body_of(
      {Message::Text(Role::kSystem, text), Message::Text(Role::kUser, "q"), Message::Text(Role::kAssistant, "a")});
  EXPECT_FALSE(turns["system"][0].contains("cache_control"));
  EXPECT_EQ(turns["messages"][1]["content"][0]["cache_control"], mark);
  // The turn that is open goes on behind the mark.
  const Json open = body_of({Message::Text(Role::kUser, text)});
  EXPECT_EQ(open["messages"][0]["content"][0]["cache_control"], mark);
  EXPECT_EQ(open["messages"][0]["content"][1], Json::parse(R"({"type":"text","text":"u"})"));
  for (const Json& none :
       {body_of({Message::Text(Role::kSystem, text)}, false),
        body_of({Message::Text(Role::kSystem, text.substr(2000))}),
        body_of({Message{Role::kUser, {lm::BlockPart{"{}"}, lm::TextPart{text}, lm::BlockPart{"{}"}}}})}) {
    EXPECT_EQ(none.dump().find("cache_control"), std::string::npos);
  }
}

TEST(AnthropicEncodeTest, IsJsonWhateverTheTexts) {
  for (const std::string text : {"\"", "\\", "\"]}]}", "\xff\xfe", "\xed\xa0\x80", "{\"a\":", "data:;base64,\"",
                                 "\x7f\x01", "{}}", "data:text/plain;base64,/w=="}) {
    lm::Request request;
    request.prefix = MakePrefix({Message::Text(Role::kSystem, text), Message::Text(Role::kAssistant, text)});
    request.turns = {
        Message{Role::kUser,
                {lm::TextPart{text}, lm::ImagePart{text}, lm::AudioPart{text, text}, lm::FilePart{text, text, text},
                 lm::FilePart{"", text, text}, lm::DocumentPart{text, text, text, text}, lm::BlockPart{text},
                 lm::ToolResultPart{text, text}}},
        Message{Role::kAssistant, {lm::ToolCallPart{text, text, text}, lm::ReasoningPart{"anthropic", text}}}};
    lm::Options options;
    options.stop = {text};
    options.reasoning_effort = text;
    request.options = std::make_shared<lm::Options>(options);
    EXPECT_TRUE(Json::accept(Encode(request, text))) << text << "\n" << Encode(request, text);
  }
}

}  // namespace
}  // namespace dspex::anthropic
