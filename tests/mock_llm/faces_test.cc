#include <absl/strings/str_split.h>
#include <absl/strings/strip.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>
#include <string>
#include <utility>
#include <vector>

#include "tests/mock_llm/mock_test.h"
#include "tests/mock_llm/schema.h"
#include "tests/mock_llm/test_client.h"

namespace dspex::mock_llm {
namespace {

using nlohmann::json;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::Not;

// Anthropic's messages and OpenAI's Responses. Whether their answers are what the providers' clients expect is for
// test_official_clients.py; here is what the script makes of them.
class FacesTest : public MockLlmTest {
 protected:
  ClientResponse AskMessages(const json& more = json::object(), const std::string& headers = kAnthropicHeaders) {
    json body = {{"model", "claude-test"},
                 {"max_tokens", 100},
                 {"messages", {{{"role", "user"}, {"content", {{{"type", "text"}, {"text", "hello"}}}}}}}};
    body.update(more);
    return TestClient(port_).Call("POST", "/v1/messages", body.dump(), headers);
  }

  ClientResponse AskResponses(const json& more = json::object()) {
    json body = {{"model", "gpt-test"}, {"input", "hello"}};
    body.update(more);
    return TestClient(port_).Call("POST", "/v1/responses", body.dump());
  }

  // The names of a stream's events; each is its event's type, too.
  static std::vector<std::string> Names(const std::string& body) {
    std::vector<std::string> names;
    for (absl::string_view line : absl::StrSplit(body, '\n')) {
      if (absl::ConsumePrefix(&line, "event: ")) names.emplace_back(line);
      if (absl::ConsumePrefix(&line, "data: ")) {
        EXPECT_EQ(json::parse(line, nullptr, false).value("type", ""), names.back());
      }
    }
    return names;
  }

  static constexpr char kAnthropicHeaders[] = "x-api-key: k\r\nanthropic-version: 2023-06-01\r\n";
};

TEST_F(FacesTest, FinishReasonsAreEachProvidersOwn) {
  const std::vector<std::pair<std::string, std::string>> reasons = {{"stop", "end_turn"},
                                                                    {"length", "max_tokens"},
                                                                    {"tool_calls", "tool_use"},
                                                                    {"content_filter", "refusal"},
                                                                    {"pause_turn", "pause_turn"}};
  for (const auto& [scripted, expected] : reasons) {
    Script({{{"reply", {{"finish_reason", scripted}}}}});
    EXPECT_EQ(json::parse(AskMessages().body)["stop_reason"], expected);
  }
  Script({{{"reply", {{"finish_reason", "content_filter"}}}}});
  const json filtered = json::parse(AskResponses().body);
  EXPECT_EQ(filtered["status"], "incomplete");
  EXPECT_EQ(filtered["incomplete_details"]["reason"], "content_filter");
}

TEST_F(FacesTest, MessagesAreMatchedAndFilledLikeChat) {
  Script({{{"match", {{"contains", "hello"}, {"model", "claude-test"}}}, {"reply", {{"content", "<{{last_user}}>"}}}}});
  const json message = json::parse(AskMessages().body);
  EXPECT_EQ(message["content"][0]["text"], "<hello>");
  const json result = {{{"type", "tool_result"}, {"tool_use_id", "t"}, {"content", "hello again"}}};
  const json turn = {{"messages", {{{"role", "user"}, {"content", result}}}}};
  EXPECT_EQ(json::parse(AskMessages(turn).body)["content"][0]["text"], "<hello again>");
}

TEST_F(FacesTest, MessagesRefuseWhatAnthropicRefuses) {
  const auto refusal = [&](const json& more, const std::string& headers) {
    const ClientResponse response = AskMessages(more, headers);
    EXPECT_EQ(response.headers.at("request-id").substr(0, 4), "req_");
    EXPECT_EQ(json::parse(response.body)["type"], "error");
    return std::to_string(response.status) + " " + json::parse(response.body)["error"].dump();
  };
  EXPECT_THAT(refusal(json::object(), ""), HasSubstr("authentication_error"));
  EXPECT_THAT(refusal(json::object(), "x-api-key: k\r\n"), HasSubstr("anthropic-version"));
  EXPECT_THAT(refusal({{"max_tokens", nullptr}}, kAnthropicHeaders), HasSubstr("max_tokens"));
  const json system = {{{"role", "system"}, {"content", "x"}}};
  EXPECT_THAT(refusal({{"messages", system}}, kAnthropicHeaders), HasSubstr("system"));
  const std::string later = "authorization: Bearer k\r\nanthropic-version: 2026-10-21\r\n";
  EXPECT_EQ(AskMessages(json::object(), later).status, 200);
  EXPECT_EQ(AskMessages({{"temperature", 1}}).status, 200);
  EXPECT_THAT(refusal({{"temperature", 1}}, later), HasSubstr("temperature"));
  const json thinking = {{"type", "enabled"}, {"budget_tokens", 1024}};
  EXPECT_EQ(AskMessages({{"thinking", thinking}, {"temperature", 1}, {"top_p", 0.95}}).status, 200);
  EXPECT_THAT(refusal({{"thinking", thinking}, {"temperature", 0.9}}, kAnthropicHeaders), HasSubstr("temperature"));
  EXPECT_THAT(refusal({{"thinking", thinking}, {"top_p", 0.9}}, kAnthropicHeaders), HasSubstr("top_p"));
}

TEST_F(FacesTest, MessagesStreamBlockByBlock) {
  Script({{{"reply", {{"reasoning", "hmm"}, {"tool_calls", {{{"name", "f"}, {"arguments", {{"a", 1}}}}}}}}}});
  EXPECT_THAT(Names(AskMessages({{"stream", true}}).body),
              ElementsAre("message_start", "content_block_start", "ping", "content_block_delta", "content_block_delta",
                          "content_block_stop", "content_block_start", "content_block_delta", "content_block_delta",
                          "content_block_delta", "content_block_stop", "message_delta", "message_stop"));
}

TEST_F(FacesTest, StreamsOfMessagesBreakToo) {
  const json reply = {{"content", "0123456789"}};
  Script({{{"reply", reply}, {"fault", "error_in_stream"}, {"times", 1}},
          {{"reply", reply}, {"fault", "truncated_stream"}, {"times", 1}},
          {{"reply", reply}, {"no_finish_reason", true}, {"no_done", true}, {"no_usage", true}, {"times", 1}},
          {{"fault", "overloaded"}}});
  const ClientResponse error = AskMessages({{"stream", true}});
  EXPECT_EQ(Names(error.body).back(), "error");
  EXPECT_THAT(error.body, HasSubstr("overloaded_error"));
  EXPECT_EQ(Names(AskMessages({{"stream", true}}).body).back(), "content_block_delta");
  const ClientResponse bare = AskMessages({{"stream", true}});
  EXPECT_EQ(Names(bare.body).back(), "content_block_stop");
  EXPECT_THAT(bare.body, Not(HasSubstr("usage")));
  EXPECT_EQ(AskMessages({{"stream", true}}).status, 529);
}

TEST_F(FacesTest, ResponsesStreamItemByItem) {
  Script({{{"reply", {{"content", "hi"}}}, {"times", 1}}, {{"reply", {{"finish_reason", "length"}}}, {"times", 1}}});
  EXPECT_THAT(Names(AskResponses({{"stream", true}}).body),
              ElementsAre("response.created", "response.in_progress", "response.output_item.added",
                          "response.content_part.added", "response.output_text.delta", "response.output_text.done",
                          "response.content_part.done", "response.output_item.done", "response.completed"));
  EXPECT_EQ(Names(AskResponses({{"stream", true}}).body).back(), "response.incomplete");
}

TEST_F(FacesTest, ResponsesReadAListAndRepeatSettings) {
  Script({{{"match", {{"contains", "hello"}}}, {"reply", {{"content", "yes"}}}}});
  const json input = {{{"role", "user"}, {"content", {{{"type", "input_text"}, {"text", "hello"}}}}},
                      {{"type", "function_call_output"}, {"call_id", "c"}, {"output", "x"}}};
  const json answer = json::parse(AskResponses({{"input", input}, {"instructions", "Be brief."}}).body);
  EXPECT_EQ(answer["output"][0]["content"][0]["text"], "yes");
  EXPECT_EQ(answer["instructions"], "Be brief.");
  EXPECT_EQ(AskResponses({{"input", nullptr}}).status, 400);
}

TEST_F(FacesTest, EachFaceTakesASchemaInItsPlace) {
  const json schema = {{"type", "object"}, {"properties", {{"a", {{"type", "string"}}}}}};
  const json format = {{"type", "json_schema"}, {"name", "s"}, {"schema", schema}};
  const json messages = json::parse(AskMessages({{"output_config", {{"format", format}}}}).body);
  EXPECT_EQ(messages["content"][0]["text"], R"({"a":"mock"})");
  const json responses = json::parse(AskResponses({{"text", {{"format", format}}}}).body);
  EXPECT_EQ(responses["output"][0]["content"][0]["text"], R"({"a":"mock"})");
  json chat = json::parse(Body("hello"));
  chat["response_format"] = {{"type", "json_schema"}, {"json_schema", {{"name", "s"}, {"schema", schema}}}};
  const json completion = json::parse(TestClient(port_).Call("POST", "/v1/chat/completions", chat.dump()).body);
  EXPECT_EQ(completion["choices"][0]["message"]["content"], R"({"a":"mock"})");
}

TEST(AnswerSchemaTest, RespectsTypes) {
  const auto example = [](const char* property) {
    return AnswerSchema(std::string(R"({"properties": {"x": )") + property + "}}");
  };
  EXPECT_EQ(example(R"({"type": "string"})"), R"({"x":"mock"})");
  EXPECT_EQ(example(R"({"type": "integer", "minimum": 3})"), R"({"x":3})");
  EXPECT_EQ(example(R"({"type": "number", "maximum": 0.5})"), R"({"x":0.5})");
  EXPECT_EQ(example(R"({"type": ["null", "boolean"]})"), R"({"x":true})");
  EXPECT_EQ(example(R"({"enum": ["b", "a"]})"), R"({"x":"b"})");
  EXPECT_EQ(example(R"({"const": 7})"), R"({"x":7})");
  EXPECT_EQ(example(R"({"anyOf": [{"type": "null"}, {"type": "array", "items": {"type": "integer"}}]})"),
            R"({"x":[1]})");
  EXPECT_EQ(example(R"({"type": "array", "prefixItems": [{"type": "string"}, {"type": "boolean"}]})"),
            R"({"x":["mock",true]})");
  EXPECT_EQ(example(R"({"$ref": "#/nowhere"})"), R"({"x":"mock"})");
  EXPECT_EQ(AnswerSchema("not JSON"), "\"mock\"");
}

TEST(AnswerSchemaTest, EndsASchemaThatRefersToItself) {
  const std::string tree = R"({"$defs": {"T": {"type": "object", "properties": {
      "v": {"type": "integer"}, "l": {"anyOf": [{"$ref": "#/$defs/T"}, {"type": "null"}]}}}}, "$ref": "#/$defs/T"})";
  json node = json::parse(AnswerSchema(tree));
  int depth = 0;
  for (; !node.is_null(); node = json(node["l"])) ++depth;
  EXPECT_GT(depth, 1);
  EXPECT_LT(depth, 10);
}

}  // namespace
}  // namespace dspex::mock_llm
