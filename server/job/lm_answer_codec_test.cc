#include "server/job/lm_answer_codec.h"

#include <gtest/gtest.h>

#include "engine/base/error.h"
#include "engine/base/reasons.h"
#include "engine/lm/error_usage.h"

namespace dspex {
namespace {

lm::Response FullResponse() {
  lm::Response response;
  lm::Completion called;
  called.text = "na\xc3\xafve";
  called.tool_calls = {{"call-1", "search", R"({"q": "x"})"}, {"call-2", "finish", "{}"}};
  called.finish_reason = lm::FinishReason::kToolCalls;
  called.reasoning = "";
  called.reasoning_parts = {{"anthropic", R"({"signature": "s"})"}, {"openai_responses", "{}"}};
  lm::Completion cut;
  // Half a character: where a stream was cut.
  cut.text = "na\xc3";
  cut.finish_reason = lm::FinishReason::kLength;
  response.completions = {called, cut};
  response.usage = {.input_tokens = 10'000'000'000,
                    .output_tokens = 2,
                    .cached_input_tokens = 3,
                    .cache_write_tokens = 4,
                    .reasoning_tokens = 5,
                    .lm_calls = 6,
                    .cost = Money::Picodollars(7),
                    .estimated = true};
  response.model = "model-2026";
  response.provider_request_id = "req_1";
  response.attempts = 3;
  response.entry = 1;
  response.from_cache = true;
  return response;
}

TEST(LmAnswerCodecTest, AResponseComesBackWhole) {
  const std::optional<LmAnswer> decoded = DecodeAnswer(EncodeAnswer(FullResponse()));
  ASSERT_TRUE(decoded.has_value() && decoded->ok());
  const lm::Response& response = **decoded;
  ASSERT_EQ(response.completions.size(), 2u);
  const lm::Completion& called = response.completions[0];
  EXPECT_EQ(called.text, "na\xc3\xafve");
  ASSERT_EQ(called.tool_calls.size(), 2u);
  EXPECT_EQ(called.tool_calls[0].id, "call-1");
  EXPECT_EQ(called.tool_calls[0].name, "search");
  EXPECT_EQ(called.tool_calls[0].arguments, R"({"q": "x"})");
  EXPECT_EQ(called.tool_calls[1].name, "finish");
  EXPECT_EQ(called.finish_reason, lm::FinishReason::kToolCalls);
  EXPECT_EQ(called.reasoning, "") << "no reasoning and an empty one are different";
  ASSERT_EQ(called.reasoning_parts.size(), 2u);
  EXPECT_EQ(called.reasoning_parts[0].dialect, "anthropic");
  EXPECT_EQ(called.reasoning_parts[0].json, R"({"signature": "s"})");
  EXPECT_EQ(response.completions[1].text, "na\xc3");
  EXPECT_EQ(response.completions[1].finish_reason, lm::FinishReason::kLength);
  EXPECT_FALSE(response.completions[1].reasoning.has_value());
  EXPECT_EQ(response.usage.input_tokens, 10'000'000'000);
  EXPECT_EQ(response.usage.output_tokens, 2);
  EXPECT_EQ(response.usage.cached_input_tokens, 3);
  EXPECT_EQ(response.usage.cache_write_tokens, 4);
  EXPECT_EQ(response.usage.reasoning_tokens, 5);
  EXPECT_EQ(response.usage.lm_calls, 6);
  EXPECT_EQ(response.usage.cost, Money::Picodollars(7));
  EXPECT_TRUE(response.usage.estimated);
  EXPECT_EQ(response.model, "model-2026");
  EXPECT_EQ(response.provider_request_id, "req_1");
  EXPECT_EQ(response.attempts, 3);
  EXPECT_EQ(response.entry, 1);
  EXPECT_TRUE(response.from_cache);
}

TEST(LmAnswerCodecTest, EveryFinishReasonComesBack) {
  for (const auto reason : {lm::FinishReason::kStop, lm::FinishReason::kLength, lm::FinishReason::kToolCalls,
                            lm::FinishReason::kContentFilter, lm::FinishReason::kRefusal, lm::FinishReason::kOther}) {
    lm::Response response;
    response.completions.push_back({.finish_reason = reason});
    const std::optional<LmAnswer> decoded = DecodeAnswer(EncodeAnswer(response));
    ASSERT_TRUE(decoded.has_value() && decoded->ok());
    EXPECT_EQ((*decoded)->completions[0].finish_reason, reason);
  }
}

TEST(LmAnswerCodecTest, AnErrorComesBackWithItsDetailsAndWhatItCost) {
  const absl::Status refused =
      lm::WithUsage(Error(absl::StatusCode::kInvalidArgument, reason::kModelRefused, "No \xc3.").With("provider", "p"),
                    {.input_tokens = 7, .lm_calls = 1});
  const std::optional<LmAnswer> decoded = DecodeAnswer(EncodeAnswer(refused));
  ASSERT_TRUE(decoded.has_value());
  EXPECT_EQ(decoded->status(), refused);
  EXPECT_EQ(ErrorReason(decoded->status()), reason::kModelRefused);
  EXPECT_EQ(lm::ErrorUsage(decoded->status())->input_tokens, 7);
}

TEST(LmAnswerCodecTest, WhatIsNoAnswerIsSeen) {
  EXPECT_FALSE(DecodeAnswer("").has_value());
  EXPECT_FALSE(DecodeAnswer("\xff\xff").has_value());
  const std::string whole = EncodeAnswer(FullResponse());
  for (std::size_t size = 1; size + 1 < whole.size(); size += 7) DecodeAnswer(whole.substr(0, size));
}

}  // namespace
}  // namespace dspex
