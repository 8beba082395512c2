#include "providers/anthropic/decode.h"

#include <absl/strings/str_cat.h>
#include <gtest/gtest.h>

#include "engine/base/error.h"
#include "engine/base/reasons.h"

namespace dspex::anthropic {
namespace {

TEST(AnthropicDecodeTest, TextUsageAndModel) {
  const auto response = DecodeMessage(R"({"id":"msg_1","type":"message","role":"assistant","model":"claude-x",
    "content":[{"type":"text","text":"one "},{"type":"text","text":"two é"}],"stop_reason":"end_turn",
    "usage":{"input_tokens":5,"cache_read_input_tokens":100,"cache_creation_input_tokens":20,"output_tokens":7,
             "output_tokens_details":{"thinking_tokens":3}}})");
  ASSERT_TRUE(response.ok()) << response.status();
  ASSERT_EQ(response->completions.size(), 1u);
  EXPECT_EQ(response->completions[0].text, "one two é");
  EXPECT_EQ(response->completions[0].finish_reason, lm::FinishReason::kStop);
  EXPECT_FALSE(response->completions[0].reasoning.has_value());
  EXPECT_EQ(response->model, "claude-x");
  EXPECT_EQ(response->usage.input_tokens, 125);
  EXPECT_EQ(response->usage.cached_input_tokens, 100);
  EXPECT_EQ(response->usage.cache_write_tokens, 20);
  EXPECT_EQ(response->usage.output_tokens, 7);
  EXPECT_EQ(response->usage.reasoning_tokens, 3);
  EXPECT_EQ(response->usage.lm_calls, 1);
}

TEST(AnthropicDecodeTest, ToolCallsAndThoughts) {
  const auto response = DecodeMessage(R"({"content":[
    {"type":"thinking","thinking":"first","signature":"s\"1"},{"type":"redacted_thinking","data":"QQ=="},
    {"type":"thinking","thinking":" then","signature":"s2"},{"type":"server_tool_use","id":"x"},
    {"type":"tool_use","id":"t1","name":"f","input":{"a": [1, "b"]}},{"type":"tool_use","id":"t2","name":"g"}],
    "stop_reason":"tool_use"})");
  ASSERT_TRUE(response.ok()) << response.status();
  const lm::Completion& completion = response->completions[0];
  EXPECT_EQ(completion.text, "");
  EXPECT_EQ(completion.finish_reason, lm::FinishReason::kToolCalls);
  EXPECT_EQ(completion.reasoning, "first then");
  ASSERT_EQ(completion.reasoning_parts.size(), 3u);
  EXPECT_EQ(completion.reasoning_parts[0].dialect, "anthropic");
  EXPECT_EQ(completion.reasoning_parts[0].json, R"({"type":"thinking","thinking":"first","signature":"s\"1"})");
  EXPECT_EQ(completion.reasoning_parts[1].json, R"({"type":"redacted_thinking","data":"QQ=="})");
  ASSERT_EQ(completion.tool_calls.size(), 2u);
  EXPECT_EQ(completion.tool_calls[0].id, "t1");
  EXPECT_EQ(completion.tool_calls[0].name, "f");
  EXPECT_EQ(completion.tool_calls[0].arguments, R"({"a":[1,"b"]})");
  EXPECT_EQ(completion.tool_calls[1].arguments, "{}");
}

TEST(AnthropicDecodeTest, StopReasons) {
  const auto reason_of = [](absl::string_view json) {
    const auto response = DecodeMessage(absl::StrCat(R"({"content":[],"stop_reason":)", json, "}"));
    EXPECT_TRUE(response.ok()) << response.status();
    return response->completions[0].finish_reason;
  };
  using lm::FinishReason;
  EXPECT_EQ(reason_of(R"("end_turn")"), FinishReason::kStop);
  EXPECT_EQ(reason_of(R"("stop_sequence")"), FinishReason::kStop);
  EXPECT_EQ(reason_of("null"), FinishReason::kStop);
  EXPECT_EQ(reason_of(R"("max_tokens")"), FinishReason::kLength);
  EXPECT_EQ(reason_of(R"("model_context_window_exceeded")"), FinishReason::kLength);
  EXPECT_EQ(reason_of(R"("tool_use")"), FinishReason::kToolCalls);
  EXPECT_EQ(reason_of(R"("refusal")"), FinishReason::kRefusal);
  EXPECT_EQ(reason_of(R"("pause_turn")"), FinishReason::kOther);
}

TEST(AnthropicDecodeTest, WhatIsNoMessageIsAnError) {
  std::string many = R"({"content":[)";
  for (int i = 0; i < 1001; ++i) many += std::string(i == 0 ? "" : ",") + R"({"type":"tool_use","name":"f"})";
  many += "]}";
  for (const std::string& body :
       {std::string(), std::string("{"), std::string("[]"), std::string("{}"), std::string(R"({"content":"hi"})"),
        std::string(R"({"content":[1]})"), std::string(R"({"content":[{}]})"),
        std::string(R"({"content":[{"type":"text"}]})"), std::string(R"({"content":[{"type":"text","text":1}]})"),
        std::string("{\"content\":[{\"type\":\"text\",\"text\":\"\xff\"}]}"),
        std::string(R"({"content":[{"type":"tool_use","id":"t"}]})"), std::string(60, '['), many}) {
    const auto response = DecodeMessage(body);
    EXPECT_EQ(response.status().code(), absl::StatusCode::kInternal) << body.substr(0, 100);
    EXPECT_EQ(ErrorReason(response.status()), reason::kProviderMalformed) << body.substr(0, 100);
  }
}

TEST(AnthropicDecodeTest, CountsThatCannotBe) {
  const auto response = DecodeMessage(R"({"content":[],"usage":{"input_tokens":9223372036854775807,
    "cache_read_input_tokens":9223372036854775807,"output_tokens":-1}})");
  ASSERT_TRUE(response.ok()) << response.status();
  EXPECT_EQ(response->usage.input_tokens, 0);
  EXPECT_EQ(response->usage.output_tokens, 0);
}

http::Response MakeError(int status, absl::string_view type, absl::string_view message) {
  http::Response response;
  response.status = status;
  response.headers.Append("Content-Type", "application/json");
  response.headers.Append("request-id", "req_1");
  response.body = absl::StrCat(R"({"type":"error","error":{"type":")", type, R"(","message":")", message, R"("}})");
  return response;
}

TEST(AnthropicDecodeTest, Errors) {
  const wire::ErrorSource source{"anthropic", "claude", "secret-key"};
  struct Case {
    int status;
    absl::string_view type;
    absl::string_view message;
    absl::string_view reason;
  };
  for (const Case& expected : std::initializer_list<Case>{
           {400, "invalid_request_error", "max_tokens: required", reason::kProviderInvalidRequest},
           {400, "invalid_request_error", "prompt is too long: 9 tokens > 8 maximum", reason::kContextWindow},
           {400, "invalid_request_error", "input length and `max_tokens` exceed context limit: 1 + 2 > 2",
            reason::kContextWindow},
           {400, "invalid_request_error", "Your credit balance is too low to access the Anthropic API.",
            reason::kProviderBilling},
           {400, "invalid_request_error", "Output blocked by content filtering policy", reason::kContentFiltered},
           {401, "authentication_error", "invalid x-api-key", reason::kProviderAuth},
           {402, "billing_error", "no credit", reason::kProviderBilling},
           {403, "billing_error", "no credit", reason::kProviderBilling},
           {403, "permission_error", "no", reason::kProviderPermission},
           {404, "not_found_error", "model: claude-9", reason::kProviderInvalidRequest},
           {413, "request_too_large", "too large", reason::kProviderInvalidRequest},
           {429, "rate_limit_error", "slow down", reason::kProviderRateLimited},
           {500, "api_error", "oh", reason::kProviderOverloaded},
           {529, "overloaded_error", "Overloaded", reason::kProviderOverloaded}}) {
    const absl::Status status =
        wire::CheckResponse(MakeError(expected.status, expected.type, expected.message), source, DecodeError);
    EXPECT_EQ(ErrorReason(status), expected.reason) << status;
    EXPECT_NE(status.message().find(expected.message), absl::string_view::npos) << status;
    EXPECT_EQ(ErrorMetadata(status, "provider_request_id"), "req_1");
  }
  EXPECT_NE(wire::CheckResponse(MakeError(401, "authentication_error", ""), source, DecodeError)
                .message()
                .find("ANTHROPIC_API_KEY"),
            absl::string_view::npos);
  for (const char* body : {"", "<html>", "[]", "{}", R"({"error":"text"})", R"({"error":{"message":1}})"}) {
    EXPECT_EQ(DecodeError(body).message, "") << body;
  }
}

}  // namespace
}  // namespace dspex::anthropic
