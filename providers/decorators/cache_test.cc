#include "providers/decorators/cache.h"

#include <gtest/gtest.h>

#include "engine/base/error.h"
#include "engine/base/reasons.h"
#include "providers/decorators/testing.h"

namespace dspex {
namespace {

using testing_support::Call;
using testing_support::CallOptions;
using testing_support::KeepingSink;
using testing_support::ScriptedModel;
using testing_support::TextRequest;
using testing_support::TextResponse;

class CacheTest : public ::testing::Test {
 protected:
  lm::Response Ask(CallOptions options) {
    Call call(io_, *model_, std::move(options));
    time_.Run(io_);
    EXPECT_TRUE(call.result().ok()) << call.result().status();
    return call.result().value_or(lm::Response());
  }
  /// The tries at the model so far.
  std::size_t calls() const { return inner_->called_at.size(); }

  static lm::Response Answer(std::string text) {
    lm::Response response = TextResponse(std::move(text));
    response.usage = {.input_tokens = 10, .output_tokens = 5, .lm_calls = 1, .cost = Money::Picodollars(7)};
    response.model = "m-1";
    return response;
  }

  VirtualTime time_;
  asio::io_context io_;
  std::shared_ptr<ScriptedModel> inner_ = std::make_shared<ScriptedModel>(time_);
  ResponseCache cache_{1 << 20};
  RequestDigester digester_{"chain"};
  std::shared_ptr<lm::LanguageModel> model_ = NewCached(inner_, cache_, digester_);
};

TEST_F(CacheTest, AnswersAnEqualCallWithoutCostAndSaysSo) {
  inner_->Then(Answer("one")).Then(Answer("two"));
  const lm::Response first = Ask({.request = TextRequest("Why?")});
  EXPECT_FALSE(first.from_cache);
  EXPECT_EQ(first.usage.input_tokens, 10);
  const lm::Response second = Ask({.request = TextRequest("Why?")});
  EXPECT_TRUE(second.from_cache);
  EXPECT_EQ(second.completions[0].text, "one");
  EXPECT_EQ(second.model, "m-1");
  EXPECT_EQ(second.usage.input_tokens + second.usage.output_tokens + second.usage.lm_calls, 0);
  EXPECT_EQ(second.usage.cost, Money());
  EXPECT_EQ(second.attempts, 0);
  EXPECT_EQ(calls(), 1u);
  EXPECT_EQ(Ask({.request = TextRequest("How?")}).completions[0].text, "two");
}

TEST_F(CacheTest, TenantsAndSamplesAreApart) {
  inner_->Then(Answer("one"));
  Ask({.request = TextRequest("Why?")});
  EXPECT_FALSE(Ask({.tenant = "other", .request = TextRequest("Why?")}).from_cache);
  EXPECT_FALSE(Ask({.request = TextRequest("Why?"), .sample = 1}).from_cache);
  EXPECT_TRUE(Ask({.request = TextRequest("Why?"), .sample = 1}).from_cache);
}

TEST_F(CacheTest, OnlyCompleteAnswersOfTheFirstEntryAreKept) {
  lm::Response cut = Answer("cut");
  cut.completions[0].finish_reason = lm::FinishReason::kLength;
  lm::Response elsewhere = Answer("elsewhere");
  elsewhere.entry = 1;
  lm::Response none = Answer("");
  none.completions.clear();
  lm::Response tools = Answer("");
  tools.completions[0].finish_reason = lm::FinishReason::kToolCalls;
  inner_->Then(cut).Then(elsewhere).Then(none).Then(tools);
  for (int i = 0; i < 4; ++i) EXPECT_FALSE(Ask({.request = TextRequest("Why?")}).from_cache) << i;
  EXPECT_TRUE(Ask({.request = TextRequest("Why?")}).from_cache);
  EXPECT_EQ(calls(), 4u);
}

TEST_F(CacheTest, LogprobsCount) {
  lm::Response scored = Answer("x");
  const lm::ScoredToken token{std::string(40, 't'), -1, std::string(40, 'b')};
  scored.completions[0].logprobs.assign(100, {token, {token, token}});
  inner_->Then(Answer("x")).Then(scored);
  Ask({.request = TextRequest("one")});
  const std::size_t plain = cache_.size_bytes();
  Ask({.request = TextRequest("two")});
  EXPECT_GE(cache_.size_bytes() - plain, 100u * 3 * 80);
  const lm::Response kept = Ask({.request = TextRequest("two")});
  EXPECT_TRUE(kept.from_cache);
  EXPECT_EQ(kept.completions[0].logprobs, scored.completions[0].logprobs);
}

TEST_F(CacheTest, ErrorsAreNotKept) {
  inner_->Then(Error(absl::StatusCode::kUnavailable, reason::kProviderOverloaded, "Full.")).Then(Answer("x"));
  Call failed(io_, *model_);
  time_.Run(io_);
  EXPECT_FALSE(failed.result().ok());
  EXPECT_EQ(Ask({}).completions[0].text, "x");
}

TEST_F(CacheTest, AHitIsReplayedToAStream) {
  lm::Response answer = Answer("The answer.");
  answer.completions[0].reasoning = "Let me think.";
  answer.completions[0].tool_calls = {{"id-1", "search", R"({"q":1})"}, {"id-2", "stop", "{}"}};
  inner_->Then(answer);
  Ask({});
  KeepingSink sink;
  EXPECT_TRUE(Ask({.deltas = &sink}).from_cache);
  ASSERT_EQ(sink.deltas.size(), 4u);
  EXPECT_EQ(std::get<lm::ReasoningDelta>(sink.deltas[0]).text, "Let me think.");
  EXPECT_EQ(std::get<lm::TextDelta>(sink.deltas[1]).text, "The answer.");
  EXPECT_EQ(std::get<lm::ToolCallDelta>(sink.deltas[2]).arguments, R"({"q":1})");
  EXPECT_EQ(std::get<lm::ToolCallDelta>(sink.deltas[3]).index, 1);
  EXPECT_EQ(std::get<lm::ToolCallDelta>(sink.deltas[3]).name, "stop");
}

TEST_F(CacheTest, AReceiverThatIsGoneEndsTheReplay) {
  class Closed final : public lm::DeltaSink {
   public:
    StatusTask Take(lm::Delta) override { co_return absl::CancelledError("gone"); }
    bool committed() const override { return false; }
  };
  inner_->Then(Answer("x"));
  Ask({});
  Closed sink;
  Call call(io_, *model_, {.deltas = &sink});
  time_.Run(io_);
  EXPECT_EQ(call.result().status().code(), absl::StatusCode::kCancelled);
}

TEST(ResponseCacheTest, DropsByBytesWhatWasNotUsedForLongest) {
  ResponseCache cache(10'000);
  const auto digest = [](unsigned char number) { return RequestDigest{number}; };
  for (unsigned char i = 0; i < 3; ++i) cache.Put(digest(i), TextResponse(std::string(2500, 'x')));
  EXPECT_LE(cache.size_bytes(), 10'000u);
  EXPECT_NE(cache.Get(digest(0)), nullptr);
  const auto held = cache.Get(digest(1));
  EXPECT_NE(cache.Get(digest(0)), nullptr);
  cache.Put(digest(3), TextResponse(std::string(4500, 'x')));
  EXPECT_LE(cache.size_bytes(), 10'000u);
  EXPECT_EQ(cache.Get(digest(2)), nullptr) << "it was used longest ago";
  EXPECT_EQ(cache.Get(digest(1)), nullptr);
  EXPECT_NE(cache.Get(digest(0)), nullptr);
  EXPECT_NE(cache.Get(digest(3)), nullptr);
  EXPECT_EQ(held->completions[0].text.size(), 2500u) << "who has it keeps it";
}

TEST(ResponseCacheTest, WhatIsLargerThanTheCacheDoesNotEmptyIt) {
  ResponseCache cache(2000);
  cache.Put(RequestDigest{1}, TextResponse("small"));
  cache.Put(RequestDigest{2}, TextResponse(std::string(3000, 'x')));
  EXPECT_NE(cache.Get(RequestDigest{1}), nullptr);
  EXPECT_EQ(cache.Get(RequestDigest{2}), nullptr);
  ResponseCache off(0);
  off.Put(RequestDigest{1}, TextResponse(""));
  EXPECT_EQ(off.Get(RequestDigest{1}), nullptr);
}

}  // namespace
}  // namespace dspex
