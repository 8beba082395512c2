#include "providers/openai/decode.h"

#include <absl/strings/str_cat.h>
#include <gtest/gtest.h>

#include "engine/base/error.h"
#include "engine/base/reasons.h"

namespace dspex::openai {
namespace {

TEST(DecodeTest, ReadsACompletion) {
  const auto response = DecodeChatCompletion(R"({
    "id": "chatcmpl-1", "object": "chat.completion", "model": "gpt-4o-mini-2024", "extra": {"deep": [1, {"x": null}]},
    "choices": [
      {"index": 0, "finish_reason": "length", "message": {"role": "assistant", "content": "caf\u00e9 \ud83d\ude00\n\"q\""}},
      {"index": 1, "message": {"content": null, "tool_calls": [
        {"id": "call_1", "type": "function", "function": {"name": "search", "arguments": "{\"q\": 1}"}}]},
        "finish_reason": "tool_calls"}],
    "usage": {"prompt_tokens": 12, "completion_tokens": 34, "total_tokens": 46}})");
  ASSERT_TRUE(response.ok()) << response.status();
  ASSERT_EQ(response->completions.size(), 2u);
  EXPECT_EQ(response->completions[0].text, "café 😀\n\"q\"");
  EXPECT_EQ(response->completions[0].finish_reason, lm::FinishReason::kLength);
  EXPECT_EQ(response->completions[1].text, "");
  EXPECT_EQ(response->completions[1].finish_reason, lm::FinishReason::kToolCalls);
  ASSERT_EQ(response->completions[1].tool_calls.size(), 1u);
  EXPECT_EQ(response->completions[1].tool_calls[0].id, "call_1");
  EXPECT_EQ(response->completions[1].tool_calls[0].name, "search");
  EXPECT_EQ(response->completions[1].tool_calls[0].arguments, "{\"q\": 1}");
  EXPECT_EQ(response->model, "gpt-4o-mini-2024");
  EXPECT_EQ(response->usage.input_tokens, 12);
  EXPECT_EQ(response->usage.output_tokens, 34);
  EXPECT_EQ(response->usage.lm_calls, 1);
}

TEST(DecodeTest, WhatServersLeaveOut) {
  for (
      const char* body : {
          R"({"choices":[{"message":{"content":"hi"}}]})",
          R"({"choices":[{"message":{"content":"hi","tool_calls":null},"finish_reason":null}],"usage":null,"model":null})",
          R"({"choices":[{"message":{"content":[{"type":"text","text":"h"},{"type":"other","text":"no"},{"text":"i"}]}}],"usage":{}})",
          R"({"usage":{"prompt_tokens":"x","completion_tokens":-1},"choices":[{"message":{"content":"hi"}}]})",
      }) {
    const auto response = DecodeChatCompletion(body);
    ASSERT_TRUE(response.ok()) << response.status() << body;
    EXPECT_EQ(response->completions[0].text, "hi") << body;
    EXPECT_EQ(response->completions[0].finish_reason, lm::FinishReason::kStop);
    EXPECT_EQ(response->usage.input_tokens, 0);
    EXPECT_EQ(response->usage.output_tokens, 0);
  }
}

TEST(DecodeTest, Logprobs) {
  const auto response = DecodeChatCompletion(R"({"choices":[{"message":{"content":"hi \u00e9"},"logprobs":{"content":[
    {"token":"hi","logprob":-0.5,"bytes":[104,105],"top_logprobs":[{"token":"hi","logprob":-0.5,"bytes":[104,105]},
                                                                  {"token":"ho","logprob":-1}]},
    {"token":"\\xc3","logprob":-9999.0,"bytes":[195],"top_logprobs":null}],"refusal":null}},
    {"message":{"content":"x"},"logprobs":null}]})");
  ASSERT_TRUE(response.ok()) << response.status();
  const std::vector<lm::TokenLogprob> expected = {{{"hi", -0.5, "hi"}, {{"hi", -0.5, "hi"}, {"ho", -1}}},
                                                  {{"\\xc3", -9999, "\xc3"}}};
  EXPECT_EQ(response->completions[0].logprobs, expected);
  EXPECT_TRUE(response->completions[1].logprobs.empty());
}

TEST(DecodeTest, LogprobsThatAreNoneAreLeftOut) {
  for (const char* logprobs : {"[]", "3", "{}", R"({"content":3})", R"({"content":[3,{},{"token":"a"}]})",
                               R"({"content":[{"token":1,"logprob":1},{"logprob":1},{"token":"a","logprob":"x"}]})",
                               R"({"tokens":["a"],"token_logprobs":[-1]})"}) {
    const auto response =
        DecodeChatCompletion(absl::StrCat(R"({"choices":[{"message":{"content":"hi"},"logprobs":)", logprobs, "}]}"));
    ASSERT_TRUE(response.ok()) << response.status() << logprobs;
    EXPECT_TRUE(response->completions[0].logprobs.empty()) << logprobs;
  }
  const auto odd = DecodeChatCompletion(
      R"({"choices":[{"message":{},"logprobs":{"content":[{"token":"a","logprob":1,"bytes":[256],"top_logprobs":[1,{}]}]}}]})");
  ASSERT_TRUE(odd.ok()) << odd.status();
  EXPECT_EQ(odd->completions[0].logprobs, (std::vector<lm::TokenLogprob>{{{"a", 1}}}));
}

TEST(DecodeTest, RefusesEverythingElse) {
  const std::string deep = R"({"choices":)" + std::string(5000, '[') + std::string(5000, ']') + "}";
  std::string many = R"({"choices":[)";
  for (int i = 0; i < 1001; ++i) many += R"({"message":{}},)";
  many.back() = ']';
  many += '}';
  for (const std::string& body : {
           std::string(),
           std::string("   "),
           std::string("<html>"),
           std::string("[]"),
           std::string("null"),
           std::string("{}"),
           std::string(R"({"choices":[{"message":{"content":"hi"}}])"),
           std::string(R"({"choices":[{"message":{"content":"hi"}}]} x)"),
           std::string(R"({"choices":{}})"),
           std::string(R"({"choices":[1]})"),
           std::string(R"({"choices":[{}]})"),
           std::string(R"({"choices":[{"message":"hi"}]})"),
           std::string(R"({"choices":[{"message":{"content":1}}]})"),
           std::string(R"({"choices":[{"message":{"content":["hi"]}}]})"),
           std::string(R"({"choices":[{"message":{"content":"","tool_calls":[1]}}]})"),
           std::string(R"({"choices":[{"message":{"content":"","tool_calls":[{"function":{}}]}}]})"),
           // Not UTF-8.
           std::string("{\"choices\":[{\"message\":{\"content\":\"\xff\"}}]}"),
           deep,
           many,
       }) {
    const auto response = DecodeChatCompletion(body);
    EXPECT_EQ(response.status().code(), absl::StatusCode::kInternal) << body.substr(0, 100);
    EXPECT_EQ(ErrorReason(response.status()), reason::kProviderMalformed) << body.substr(0, 100);
  }
}

TEST(DecodeTest, NoChoicesAreNoCompletions) {
  const auto response = DecodeChatCompletion(R"({"choices":[],"model":"m"})");
  ASSERT_TRUE(response.ok()) << response.status();
  EXPECT_TRUE(response->completions.empty());
}

TEST(DecodeTest, ReasoningOfServersThatTellIt) {
  for (const char* told : {R"("reasoning_content":"because")", R"("reasoning":"because")",
                           R"("reasoning_content":"","reasoning":"because")"}) {
    const auto response =
        DecodeChatCompletion(std::string(R"({"choices":[{"message":{"content":"a",)") + told + "}}]}");
    ASSERT_TRUE(response.ok()) << response.status();
    EXPECT_EQ(response->completions[0].reasoning, "because") << told;
  }
  const auto nothing = DecodeChatCompletion(R"({"choices":[{"message":{"content":"a","reasoning_content":""}}]})");
  ASSERT_TRUE(nothing.ok()) << nothing.status();
  EXPECT_FALSE(nothing->completions[0].reasoning.has_value());
}

TEST(DecodeTest, ArgumentsThatAreNoText) {
  const auto response = DecodeChatCompletion(
      R"({"choices":[{"message":{"tool_calls":[{"function":{"name":"f","arguments":{"a": [1, "b"]}}},
                                               {"function":{"name":"g"}}]}}]})");
  ASSERT_TRUE(response.ok()) << response.status();
  EXPECT_EQ(response->completions[0].tool_calls[0].arguments, R"({"a":[1,"b"]})");
  EXPECT_EQ(response->completions[0].tool_calls[1].arguments, "");
}

TEST(DecodeTest, ErrorMessages) {
  const wire::ErrorBody said = DecodeError(R"({"error":{"message":"no such model","code":null,"type":"not_found"}})");
  EXPECT_EQ(said.message, "no such model");
  EXPECT_EQ(said.code, "not_found");
  EXPECT_EQ(DecodeError(R"({"error":{"code":"insufficient_quota","type":"quota"}})").code, "insufficient_quota");
  EXPECT_EQ(DecodeError(R"({"error":"no such model"})").message, "no such model");
  for (const char* body : {"", "<html>", "[]", "{}", R"({"error":{}})", R"({"error":{"message":1}})"}) {
    EXPECT_EQ(DecodeError(body).message, "") << body;
  }
}

}  // namespace
}  // namespace dspex::openai
