#include "providers/openai/encode.h"

#include <gtest/gtest.h>

#include <limits>
#include <nlohmann/json.hpp>

#include "engine/json/json.h"

namespace dspex::openai {
namespace {

using lm::Message;
using lm::Role;

std::string Encode(const lm::Request& request, const Dialect& dialect = {}) {
  return EncodeHead("m\"1", request.prefix.get()) + EncodeTail(request, dialect);
}

std::shared_ptr<const lm::Prefix> MakePrefix(std::vector<Message> messages) {
  return std::make_shared<lm::Prefix>(std::move(messages));
}

TEST(EncodeTest, MessagesOfPrefixAndTurns) {
  lm::Request request;
  request.prefix = MakePrefix({Message::Text(Role::kSystem, "Be \"brief\".\n"), Message::Text(Role::kUser, "é"),
                               Message::Text(Role::kAssistant, "\x01\\")});
  request.turns = {Message::Text(Role::kUser, "now"), Message::Text(Role::kAssistant, ""),
                   Message{Role::kAssistant, {}}};
  EXPECT_EQ(Json::parse(Encode(request)), Json::parse(R"({"model":"m\"1","messages":[
    {"role":"system","content":"Be \"brief\".\n"},{"role":"user","content":"é"},{"role":"assistant","content":"\u0001\\"},
    {"role":"user","content":"now"},{"role":"assistant","content":""},{"role":"assistant","content":null}]})"));
}

TEST(EncodeTest, WithoutPrefixOrTurns) {
  lm::Request request;
  EXPECT_EQ(Encode(request), R"({"model":"m\"1","messages":[]})");
  request.turns = {Message::Text(Role::kUser, "a")};
  EXPECT_EQ(Encode(request), R"({"model":"m\"1","messages":[{"role":"user","content":"a"}]})");
  request.prefix = MakePrefix({});
  EXPECT_EQ(Encode(request), R"({"model":"m\"1","messages":[{"role":"user","content":"a"}]})");
  request.prefix = MakePrefix({Message::Text(Role::kSystem, "s")});
  request.turns.clear();
  EXPECT_EQ(Encode(request), R"({"model":"m\"1","messages":[{"role":"system","content":"s"}]})");
}

TEST(EncodeTest, Options) {
  lm::Request request;
  auto options = std::make_shared<lm::Options>();
  options->temperature = 0.1;
  options->top_p = 1;
  options->max_tokens = 100;
  options->stop = {"a\"", "b"};
  options->seed = std::numeric_limits<long long>::min();
  options->frequency_penalty = -0.5;
  options->presence_penalty = std::numeric_limits<double>::infinity();
  request.options = options;
  EXPECT_EQ(Encode(request),
            R"({"model":"m\"1","messages":[],"temperature":0.1,"top_p":1,"max_tokens":100,"stop":["a\"","b"],)"
            R"("seed":-9223372036854775808,"frequency_penalty":-0.5})");
  EXPECT_NE(Encode(request, {"max_completion_tokens"}).find(R"("max_completion_tokens":100)"), std::string::npos);
}

Json EncodeWith(lm::Options options) {
  lm::Request request;
  request.options = std::make_shared<lm::Options>(std::move(options));
  Json body = Json::parse(Encode(request));
  body.erase("model");
  body.erase("messages");
  return body;
}

TEST(EncodeTest, ResponseFormats) {
  EXPECT_EQ(EncodeWith({.response_format = {.kind = lm::ResponseFormat::Kind::kJsonObject}}),
            Json::parse(R"({"response_format":{"type":"json_object"}})"));
  const auto schema = std::make_shared<const std::string>(R"({"type":"object"})");
  EXPECT_EQ(EncodeWith({.response_format = {lm::ResponseFormat::Kind::kJsonSchema, "a\"b", schema}}),
            Json::parse(R"({"response_format":{"type":"json_schema","json_schema":
              {"name":"a\"b","schema":{"type":"object"},"strict":true}}})"));
}

TEST(EncodeTest, ToolsAndReasoning) {
  EXPECT_EQ(EncodeWith({.reasoning_effort = "low",
                        .tools = {{"f", R"("Does it.")", R"({"type":"object"})"}, {"g", "", "{}"}},
                        .parallel_tool_calls = false,
                        .rollout_id = 7}),
            Json::parse(R"({"reasoning_effort":"low","tools":[
              {"type":"function","function":{"name":"f","description":"Does it.","parameters":{"type":"object"}}},
              {"type":"function","function":{"name":"g","parameters":{}}}],
              "tool_choice":"auto","parallel_tool_calls":false})"));
  EXPECT_EQ(EncodeWith({.parallel_tool_calls = true}), Json::object());
  EXPECT_EQ(EncodeWith({.logprobs = true}), Json::parse(R"({"logprobs":true})"));
  EXPECT_EQ(EncodeWith({.logprobs = true, .top_logprobs = 0}), Json::parse(R"({"logprobs":true})"));
  EXPECT_EQ(EncodeWith({.logprobs = true, .top_logprobs = 3}), Json::parse(R"({"logprobs":true,"top_logprobs":3})"));
  EXPECT_EQ(EncodeWith({.logprobs = false, .top_logprobs = 3}), Json::object());
  EXPECT_EQ(EncodeWith({.store = false}), Json::parse(R"({"store":false})"));
}

TEST(EncodeTest, Parts) {
  lm::Request request;
  request.turns = {
      Message{Role::kUser,
              {lm::TextPart{"look"}, lm::ImagePart{"data:x"}, lm::AudioPart{"QQ==", "wav"},
               lm::FilePart{"QQ==", "", "a.pdf"}, lm::FilePart{"", "file-1", ""}}},
      Message{Role::kUser, {lm::ImagePart{"https://x"}}},
      Message{Role::kAssistant, {lm::ToolCallPart{"c1", "f", "{}"}, lm::ToolCallPart{"c2", "g", "{\"a\":1}"}}},
      Message{Role::kTool, {lm::ToolResultPart{"c1", "one"}, lm::ToolResultPart{"c2", "two"}}},
      Message{Role::kAssistant, {lm::TextPart{"hm"}, lm::ToolCallPart{"c3", "f", "{}"}}}};
  EXPECT_EQ(Json::parse(Encode(request))["messages"], Json::parse(R"([
    {"role":"user","content":[{"type":"text","text":"look"},{"type":"image_url","image_url":{"url":"data:x"}},
      {"type":"input_audio","input_audio":{"data":"QQ==","format":"wav"}},
      {"type":"file","file":{"file_data":"QQ==","filename":"a.pdf"}},{"type":"file","file":{"file_id":"file-1"}}]},
    {"role":"user","content":[{"type":"image_url","image_url":{"url":"https://x"}}]},
    {"role":"assistant","content":null,"tool_calls":[
      {"id":"c1","type":"function","function":{"name":"f","arguments":"{}"}},
      {"id":"c2","type":"function","function":{"name":"g","arguments":"{\"a\":1}"}}]},
    {"role":"tool","tool_call_id":"c1","content":"one"},
    {"role":"tool","tool_call_id":"c2","content":"two"},
    {"role":"assistant","content":"hm","tool_calls":[
      {"id":"c3","type":"function","function":{"name":"f","arguments":"{}"}}]}])"));
}

}  // namespace
}  // namespace dspex::openai
