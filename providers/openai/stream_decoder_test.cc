#include "providers/openai/stream_decoder.h"

#include <gtest/gtest.h>

#include "engine/base/error.h"
#include "engine/base/reasons.h"

namespace dspex::openai {
namespace {

class StreamDecoderTest : public testing::Test {
 protected:
  absl::Status Put(std::string data) { return decoder_->Put({"", std::move(data)}, deltas_); }

  std::string Text() const {
    std::string text;
    for (const lm::Delta& delta : deltas_) {
      if (const auto* part = std::get_if<lm::TextDelta>(&delta)) text += part->text;
    }
    return text;
  }

  const wire::ErrorSource source_{"openai", "gpt", "secret-key"};
  const http::Headers headers_;
  std::unique_ptr<wire::StreamDecoder> decoder_ = NewStreamDecoder(source_, headers_);
  std::vector<lm::Delta> deltas_;
};

TEST_F(StreamDecoderTest, JoinsAText) {
  ASSERT_TRUE(Put(R"({"model":"gpt-x","choices":[{"index":0,"delta":{"role":"assistant","content":""}}]})").ok());
  EXPECT_TRUE(deltas_.empty());
  ASSERT_TRUE(
      Put(R"({"choices":[{"index":0,"delta":{"content":"caf\u00e9 "},"finish_reason":null}],"usage":null})").ok());
  ASSERT_TRUE(Put(R"({"choices":[{"index":1,"delta":{"content":"another choice"}}]})").ok());
  ASSERT_TRUE(Put(R"({"choices":[{"index":0,"delta":{"content":"noir"}}]})").ok());
  EXPECT_FALSE(decoder_->finished());
  ASSERT_TRUE(Put(R"({"choices":[{"index":0,"delta":{},"finish_reason":"length"}]})").ok());
  EXPECT_TRUE(decoder_->finished());
  EXPECT_FALSE(decoder_->complete());
  ASSERT_TRUE(Put(R"({"choices":[],"usage":{"prompt_tokens":9,"completion_tokens":4,
                      "prompt_tokens_details":{"cached_tokens":8},"completion_tokens_details":{"reasoning_tokens":2}}})")
                  .ok());
  ASSERT_TRUE(Put("[DONE]").ok());
  EXPECT_TRUE(decoder_->complete());
  EXPECT_EQ(Text(), "café noir");
  const lm::Response response = decoder_->Take();
  ASSERT_EQ(response.completions.size(), 1u);
  EXPECT_EQ(response.completions[0].text, "café noir");
  EXPECT_EQ(response.completions[0].finish_reason, lm::FinishReason::kLength);
  EXPECT_EQ(response.model, "gpt-x");
  EXPECT_EQ(response.usage.input_tokens, 9);
  EXPECT_EQ(response.usage.output_tokens, 4);
  EXPECT_EQ(response.usage.cached_input_tokens, 8);
  EXPECT_EQ(response.usage.reasoning_tokens, 2);
  EXPECT_EQ(response.usage.lm_calls, 1);
}

TEST_F(StreamDecoderTest, JoinsLogprobs) {
  ASSERT_TRUE(
      Put(R"({"choices":[{"delta":{"content":"a"},"logprobs":{"content":[{"token":"a","logprob":-1}]}}]})").ok());
  ASSERT_TRUE(Put(R"({"choices":[{"delta":{"content":"b"},"logprobs":null}]})").ok());
  ASSERT_TRUE(Put(R"({"choices":[{"delta":{},"logprobs":{"content":[{"token":"c","logprob":-2}]}}]})").ok());
  EXPECT_EQ(decoder_->Take().completions[0].logprobs, (std::vector<lm::TokenLogprob>{{{"a", -1}}, {{"c", -2}}}));
}

TEST_F(StreamDecoderTest, ToolCallsByIndex) {
  for (const char* data : {
           R"({"choices":[{"delta":{"tool_calls":[{"index":0,"id":"a","function":{"name":"f","arguments":""}}]}}]})",
           R"({"choices":[{"delta":{"tool_calls":[{"index":1,"id":"b","function":{"name":"g","arguments":"{"}}]}}]})",
           R"({"choices":[{"delta":{"tool_calls":[{"index":0,"function":{"arguments":"{\"x\":1}"}}]}}]})",
           R"({"choices":[{"delta":{"tool_calls":[{"index":1,"function":{"arguments":"}"}}]}}]})",
           R"({"choices":[{"delta":{},"finish_reason":"tool_calls"}]})",
       }) {
    ASSERT_TRUE(Put(data).ok()) << data;
  }
  const lm::Response response = decoder_->Take();
  const auto& calls = response.completions[0].tool_calls;
  ASSERT_EQ(calls.size(), 2u);
  EXPECT_EQ(calls[0].id + " " + calls[0].name + " " + calls[0].arguments, "a f {\"x\":1}");
  EXPECT_EQ(calls[1].id + " " + calls[1].name + " " + calls[1].arguments, "b g {}");
  EXPECT_EQ(response.completions[0].finish_reason, lm::FinishReason::kToolCalls);
  ASSERT_EQ(deltas_.size(), 4u);
  EXPECT_EQ(std::get<lm::ToolCallDelta>(deltas_[3]).index, 1);
}

TEST_F(StreamDecoderTest, ToolCallsWithoutIndexAndWithObjects) {
  ASSERT_TRUE(
      Put(R"({"choices":[{"delta":{"tool_calls":[{"id":"a","function":{"name":"f","arguments":{"x": 1}}}]}}]})").ok());
  ASSERT_TRUE(
      Put(R"({"choices":[{"delta":{"tool_calls":[{"id":"b","function":{"name":"g","arguments":"{"}}]}}]})").ok());
  ASSERT_TRUE(Put(R"({"choices":[{"delta":{"tool_calls":[{"function":{"arguments":"}"}}]}}]})").ok());
  const auto calls = decoder_->Take().completions[0].tool_calls;
  ASSERT_EQ(calls.size(), 2u);
  EXPECT_EQ(calls[0].arguments, R"({"x":1})");
  EXPECT_EQ(calls[1].arguments, "{}");
}

TEST_F(StreamDecoderTest, ReasoningApartAndRefusals) {
  ASSERT_TRUE(Put(R"({"choices":[{"delta":{"reasoning_content":"so"}}]})").ok());
  ASSERT_TRUE(Put(R"({"choices":[{"delta":{"reasoning":" it is"}}]})").ok());
  ASSERT_TRUE(Put(R"({"choices":[{"delta":{"refusal":"No."},"finish_reason":"stop"}]})").ok());
  const lm::Completion completion = decoder_->Take().completions[0];
  EXPECT_EQ(completion.reasoning, "so it is");
  EXPECT_EQ(completion.finish_reason, lm::FinishReason::kRefusal);
}

TEST_F(StreamDecoderTest, ErrorsWithinTheStreamAreTyped) {
  struct Case {
    const char* data;
    absl::string_view reason;
  };
  for (const Case& expected : std::initializer_list<Case>{
           {R"({"error":{"message":"busy","code":503}})", reason::kProviderOverloaded},
           {R"({"error":{"message":"busy","type":"server_error"}})", reason::kProviderOverloaded},
           {R"({"error":{"message":"slow down","code":"rate_limit_exceeded"}})", reason::kProviderRateLimited},
           {R"({"error":{"message":"too long","code":"context_length_exceeded","type":"invalid_request_error"}})",
            reason::kContextWindow},
           {R"({"error":"something"})", reason::kProviderOverloaded},
           {R"({"choices":[)", reason::kProviderMalformed},
           {R"([])", reason::kProviderMalformed},
           {R"({"choices":[7]})", reason::kProviderMalformed},
           {R"({"choices":[{"delta":{"content":{"a":1}}}]})", reason::kProviderMalformed},
           {R"({"choices":[{"delta":{"tool_calls":[1]}}]})", reason::kProviderMalformed},
       }) {
    EXPECT_EQ(ErrorReason(Put(expected.data)), expected.reason) << expected.data;
  }
}

TEST_F(StreamDecoderTest, ManyToolCallsAreRefused) {
  absl::Status status;
  for (int i = 0; status.ok() && i < 2000; ++i) {
    status = Put(R"({"choices":[{"delta":{"tool_calls":[{"index":)" + std::to_string(i * 7) + R"(,"id":"x"}]}}]})");
  }
  EXPECT_EQ(ErrorReason(status), reason::kProviderMalformed) << status;
}

}  // namespace
}  // namespace dspex::openai
