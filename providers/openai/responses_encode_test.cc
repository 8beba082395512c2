#include "providers/openai/responses_encode.h"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "engine/json/json.h"

namespace dspex::openai {
namespace {

using lm::Message;
using lm::Role;

std::string Encode(const lm::Request& request, absl::string_view model = "m\"1", bool stream = false) {
  return EncodeResponsesHead(model, request.prefix.get()) + EncodeResponsesTail(request, stream);
}

std::shared_ptr<const lm::Prefix> MakePrefix(std::vector<Message> messages) {
  return std::make_shared<lm::Prefix>(std::move(messages));
}

Json EncodeTurns(std::vector<Message> turns) {
  lm::Request request;
  request.turns = std::move(turns);
  return Json::parse(Encode(request))["input"];
}

TEST(ResponsesEncodeTest, MessagesOfPrefixAndTurns) {
  lm::Request request;
  request.prefix = MakePrefix({Message::Text(Role::kSystem, "Be \"brief\".\n"), Message::Text(Role::kUser, "é"),
                               Message::Text(Role::kAssistant, "\x01\\"), Message::Text(Role::kSystem, "more")});
  request.turns = {Message::Text(Role::kUser, "now"), Message::Text(Role::kAssistant, ""), Message{Role::kUser, {}}};
  EXPECT_EQ(Json::parse(Encode(request)), Json::parse(R"({"model":"m\"1","instructions":"Be \"brief\".\n","input":[
    {"role":"user","content":"é"},{"role":"assistant","content":"\u0001\\"},{"role":"developer","content":"more"},
    {"role":"user","content":"now"},{"role":"assistant","content":""},{"role":"user","content":[]}]})"));
}

TEST(ResponsesEncodeTest, WithoutPrefixOrTurns) {
  lm::Request request;
  EXPECT_EQ(Encode(request), R"({"model":"m\"1","input":[]})");
  request.turns = {Message::Text(Role::kUser, "a")};
  const std::string items = R"("input":[{"role":"user","content":"a"}])";
  EXPECT_EQ(Encode(request, "m", true), R"({"model":"m",)" + items + R"(,"stream":true})");
  request.prefix = MakePrefix({});
  EXPECT_EQ(Encode(request, "m"), R"({"model":"m",)" + items + "}");
  request.prefix = MakePrefix({Message::Text(Role::kSystem, "s")});
  EXPECT_EQ(Encode(request, "m"), R"({"model":"m","instructions":"s",)" + items + "}");
  request.prefix = MakePrefix({Message::Text(Role::kUser, "a")});
  request.turns = {Message{Role::kAssistant, {lm::ReasoningPart{"anthropic", "{}"}}}};
  EXPECT_EQ(Encode(request, "m"), R"({"model":"m",)" + items + "}");
}

Json EncodeWith(lm::Options options) {
  lm::Request request;
  request.options = std::make_shared<lm::Options>(std::move(options));
  Json body = Json::parse(Encode(request));
  body.erase("model");
  body.erase("input");
  return body;
}

TEST(ResponsesEncodeTest, Options) {
  EXPECT_EQ(EncodeWith({.temperature = 0.5,
                        .top_p = 1,
                        .max_tokens = 100,
                        .stop = {"a"},
                        .seed = 1,
                        .frequency_penalty = 1,
                        .presence_penalty = 1,
                        .rollout_id = 7}),
            Json::parse(R"({"temperature":0.5,"top_p":1,"max_output_tokens":100})"));
}

TEST(ResponsesEncodeTest, Reasoning) {
  EXPECT_EQ(EncodeWith({.reasoning_effort = "low"}), Json::parse(R"({"reasoning":{"effort":"low"}})"));
  EXPECT_EQ(EncodeWith({.reasoning_effort = "low", .store = true}),
            Json::parse(R"({"store":true,"reasoning":{"effort":"low"}})"));
  EXPECT_EQ(EncodeWith({.reasoning_effort = "low", .store = false}),
            Json::parse(R"({"store":false,"reasoning":{"effort":"low"},"include":["reasoning.encrypted_content"]})"));
  EXPECT_EQ(EncodeWith({.reasoning_effort = "none", .store = false}),
            Json::parse(R"({"store":false,"reasoning":{"effort":"none"}})"));
  EXPECT_EQ(EncodeWith({.store = false}), Json::parse(R"({"store":false})"));
}

TEST(ResponsesEncodeTest, Logprobs) {
  EXPECT_EQ(EncodeWith({.logprobs = true, .top_logprobs = 3}),
            Json::parse(R"({"top_logprobs":3,"include":["message.output_text.logprobs"]})"));
  EXPECT_EQ(EncodeWith({.logprobs = false, .top_logprobs = 3}), Json::object());
  EXPECT_EQ(EncodeWith({.reasoning_effort = "low", .store = false, .logprobs = true})["include"],
            Json::parse(R"(["reasoning.encrypted_content","message.output_text.logprobs"])"));
}

TEST(ResponsesEncodeTest, ResponseFormats) {
  EXPECT_EQ(EncodeWith({.response_format = {.kind = lm::ResponseFormat::Kind::kJsonObject}}),
            Json::parse(R"({"text":{"format":{"type":"json_object"}}})"));
  const auto schema = std::make_shared<const std::string>(R"({"type":"object"})");
  EXPECT_EQ(EncodeWith({.response_format = {lm::ResponseFormat::Kind::kJsonSchema, "a\"b", schema}}),
            Json::parse(R"({"text":{"format":{"type":"json_schema","name":"a\"b","schema":{"type":"object"},
                            "strict":true}}})"));
}

TEST(ResponsesEncodeTest, Tools) {
  const std::vector<lm::ToolSpec> tools = {{"f", R"("Does it.")", R"({"type":"object"})"}, {"g", "", "{}"}};
  EXPECT_EQ(EncodeWith({.tools = tools, .parallel_tool_calls = false}), Json::parse(R"({"tools":[
      {"type":"function","name":"f","description":"Does it.","parameters":{"type":"object"},"strict":false},
      {"type":"function","name":"g","parameters":{},"strict":false}],
      "tool_choice":"auto","parallel_tool_calls":false})"));
  EXPECT_FALSE(EncodeWith({.tools = tools}).contains("tool_choice"));
  EXPECT_EQ(EncodeWith({.parallel_tool_calls = true}), Json::object());
}

TEST(ResponsesEncodeTest, Parts) {
  EXPECT_EQ(EncodeTurns({Message{Role::kUser,
                                 {lm::TextPart{"look"}, lm::ImagePart{"data:x"}, lm::ImagePart{"https://x", "low"},
                                  lm::AudioPart{"QQ==", "wav"}, lm::FilePart{"QQ==", "", "a.txt"},
                                  lm::FilePart{"data:application/pdf;base64,QQ==", "", ""},
                                  lm::FilePart{"data:text/csv;base64,QQ==", "", ""}, lm::FilePart{"", "file-1", ""},
                                  lm::BlockPart{R"({"type":"image_url","image_url":"u"})"},
                                  lm::BlockPart{R"({"type":"other"})"}, lm::DocumentPart{"d", "text/plain"}}},
                         Message{Role::kAssistant, {lm::TextPart{"a"}, lm::TextPart{"b"}}}}),
            Json::parse(R"([{"role":"user","content":[
    {"type":"input_text","text":"look"},{"type":"input_image","image_url":"data:x","detail":"auto"},
    {"type":"input_image","image_url":"https://x","detail":"low"},
    {"type":"input_audio","input_audio":{"data":"QQ==","format":"wav"}},
    {"type":"input_file","file_data":"QQ==","filename":"a.txt"},
    {"type":"input_file","file_data":"data:application/pdf;base64,QQ==","filename":"file.pdf"},
    {"type":"input_file","file_data":"data:text/csv;base64,QQ=="},{"type":"input_file","file_id":"file-1"},
    {"type":"input_image","image_url":"u","detail":"auto"},{"type":"other"},
    {"type":"document","source":{"type":"text","media_type":"text/plain","data":"d"},"citations":{"enabled":true}}]},
    {"role":"assistant","content":[{"type":"output_text","text":"a"},{"type":"output_text","text":"b"}]}])"));
}

TEST(ResponsesEncodeTest, ToolsAndReasoningInTurns) {
  EXPECT_EQ(EncodeTurns(
                {Message{Role::kAssistant,
                         {lm::ToolCallPart{"c1", "f", "{\"a\":1}"}, lm::TextPart{"hm"}, lm::ToolCallPart{"c2", "g", ""},
                          lm::ReasoningPart{"openai_responses", R"({"type":"reasoning","id":"r1"})"},
                          lm::ReasoningPart{"anthropic", "{}"}, lm::ReasoningPart{"openai_responses", "odd"}}},
                 Message{Role::kTool, {lm::ToolResultPart{"c1", "one"}, lm::ToolResultPart{"c2", "", true}}},
                 Message{Role::kUser, {lm::TextPart{"go on"}}}}),
            Json::parse(R"([{"type":"reasoning","id":"r1"},{"role":"assistant","content":"hm"},
    {"type":"function_call","call_id":"c1","name":"f","arguments":"{\"a\":1}"},
    {"type":"function_call","call_id":"c2","name":"g","arguments":"{}"},
    {"type":"function_call_output","call_id":"c1","output":"one"},
    {"type":"function_call_output","call_id":"c2","output":""},{"role":"user","content":"go on"}])"));
}

TEST(ResponsesEncodeTest, IsJsonWhateverTheTexts) {
  for (const std::string text :
       {"\"", "\\", "\"]}]}", "\xff\xfe", "\xed\xa0\x80", "{\"a\":", "data:;base64,\"", "{}}"}) {
    lm::Request request;
    request.prefix = MakePrefix({Message::Text(Role::kSystem, text), Message::Text(Role::kAssistant, text)});
    request.turns = {
        Message{Role::kUser,
                {lm::TextPart{text}, lm::ImagePart{text, text}, lm::AudioPart{text, text},
                 lm::FilePart{text, text, text}, lm::FilePart{text, "", ""}, lm::DocumentPart{text, text, text, text},
                 lm::BlockPart{text}, lm::ToolResultPart{text, text}}},
        Message{Role::kAssistant, {lm::ToolCallPart{text, text, text}, lm::ReasoningPart{"openai_responses", text}}}};
    lm::Options options;
    options.reasoning_effort = text;
    request.options = std::make_shared<lm::Options>(options);
    EXPECT_TRUE(Json::accept(Encode(request, text))) << text << "\n" << Encode(request, text);
  }
}

}  // namespace
}  // namespace dspex::openai
