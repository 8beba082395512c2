#include "providers/openai/responses_decode.h"

#include <absl/strings/str_cat.h>
#include <gtest/gtest.h>

#include "engine/base/error.h"
#include "engine/base/reasons.h"

namespace dspex::openai {
namespace {

TEST(ResponsesDecodeTest, TextUsageAndModel) {
  const auto response = DecodeResponse(R"({"id":"resp_1","status":"completed","model":"gpt-x","output":[
    {"type":"message","id":"msg_1","role":"assistant","content":[{"type":"output_text","text":"one ","annotations":[]},
      {"type":"output_text","text":"two é"}]},{"type":"web_search_call","id":"w"}],
    "usage":{"input_tokens":50,"input_tokens_details":{"cached_tokens":40},"output_tokens":7,
             "output_tokens_details":{"reasoning_tokens":3}}})");
  ASSERT_TRUE(response.ok()) << response.status();
  ASSERT_EQ(response->completions.size(), 1u);
  EXPECT_EQ(response->completions[0].text, "one two é");
  EXPECT_EQ(response->completions[0].finish_reason, lm::FinishReason::kStop);
  EXPECT_FALSE(response->completions[0].reasoning.has_value());
  EXPECT_EQ(response->model, "gpt-x");
  EXPECT_EQ(response->usage.input_tokens, 50);
  EXPECT_EQ(response->usage.cached_input_tokens, 40);
  EXPECT_EQ(response->usage.output_tokens, 7);
  EXPECT_EQ(response->usage.reasoning_tokens, 3);
  EXPECT_EQ(response->usage.lm_calls, 1);
}

TEST(ResponsesDecodeTest, ToolCallsAndReasoning) {
  const auto response = DecodeResponse(R"({"status":"completed","output":[
    {"type":"reasoning","id":"rs_1","summary":[{"type":"summary_text","text":"first"},{"type":"summary_text","text":"then"}],
     "encrypted_content":"QQ=="},
    {"type":"reasoning","id":"rs_2","summary":[],"content":[{"type":"reasoning_text","text":"more"}]},
    {"type":"function_call","id":"fc_1","call_id":"c1","name":"f","arguments":"{\"a\": 1}"}]})");
  ASSERT_TRUE(response.ok()) << response.status();
  const lm::Completion& completion = response->completions[0];
  EXPECT_EQ(completion.finish_reason, lm::FinishReason::kToolCalls);
  EXPECT_EQ(completion.reasoning, "first\n\nthen\n\nmore");
  ASSERT_EQ(completion.reasoning_parts.size(), 2u);
  EXPECT_EQ(completion.reasoning_parts[0].dialect, "openai_responses");
  EXPECT_EQ(completion.reasoning_parts[1].json,
            R"({"type":"reasoning","id":"rs_2","summary":[],"content":[{"type":"reasoning_text","text":"more"}]})");
  ASSERT_EQ(completion.tool_calls.size(), 1u);
  EXPECT_EQ(completion.tool_calls[0].id, "c1");
  EXPECT_EQ(completion.tool_calls[0].name, "f");
  EXPECT_EQ(completion.tool_calls[0].arguments, R"({"a": 1})");
}

TEST(ResponsesDecodeTest, FinishReasons) {
  const auto reason_of = [](absl::string_view status, absl::string_view why, absl::string_view part = "") {
    const auto response =
        DecodeResponse(absl::StrCat(R"({"status":")", status, R"(","incomplete_details":)",
                                    why.empty() ? "null" : absl::StrCat(R"({"reason":")", why, R"("})"),
                                    R"(,"output":[{"type":"message","content":[)", part, "]}]}"));
    EXPECT_TRUE(response.ok()) << response.status();
    return response->completions[0].finish_reason;
  };
  using lm::FinishReason;
  EXPECT_EQ(reason_of("completed", ""), FinishReason::kStop);
  EXPECT_EQ(reason_of("", ""), FinishReason::kStop);
  EXPECT_EQ(reason_of("completed", "", R"({"type":"refusal","refusal":"No."})"), FinishReason::kRefusal);
  EXPECT_EQ(reason_of("incomplete", "max_output_tokens"), FinishReason::kLength);
  EXPECT_EQ(reason_of("incomplete", "content_filter"), FinishReason::kContentFilter);
  EXPECT_EQ(reason_of("incomplete", ""), FinishReason::kLength);
  EXPECT_EQ(reason_of("incomplete", "other"), FinishReason::kOther);
  EXPECT_EQ(reason_of("cancelled", ""), FinishReason::kOther);
}

TEST(ResponsesDecodeTest, AFailureWithinASuccess) {
  const auto response =
      DecodeResponse(R"({"status":"failed","error":{"code":"server_error","message":"x"},"output":[]})");
  EXPECT_EQ(ErrorReason(response.status()), reason::kProviderOverloaded);
  EXPECT_EQ(response.status().message(), "The provider took the request and then failed to answer. Try again later.");
}

TEST(ResponsesDecodeTest, WhatIsNoResponseIsAnError) {
  std::string many = R"({"output":[)";
  for (int i = 0; i < 1001; ++i) many += std::string(i == 0 ? "" : ",") + R"({"type":"function_call","name":"f"})";
  many += "]}";
  for (const std::string& body :
       {std::string(), std::string("{"), std::string("[]"), std::string("{}"), std::string(R"({"output":"hi"})"),
        std::string(R"({"output":[1]})"), std::string(R"({"output":[{"type":"message"}]})"),
        std::string(R"({"output":[{"type":"message","content":[1]}]})"),
        std::string(R"({"output":[{"type":"message","content":[{"type":"output_text","text":1}]}]})"),
        std::string(R"({"output":[{"type":"function_call","call_id":"t"}]})"), many}) {
    const auto response = DecodeResponse(body);
    EXPECT_EQ(response.status().code(), absl::StatusCode::kInternal) << body.substr(0, 100);
    EXPECT_EQ(ErrorReason(response.status()), reason::kProviderMalformed) << body.substr(0, 100);
  }
}

}  // namespace
}  // namespace dspex::openai
