#include "providers/decorators/attempt_meter.h"

#include <gtest/gtest.h>

#include "engine/base/error.h"
#include "engine/base/reasons.h"
#include "engine/lm/error_usage.h"
#include "providers/decorators/retrying.h"
#include "providers/decorators/testing.h"

namespace dspex {
namespace {

using std::chrono::seconds;
using testing_support::Call;
using testing_support::KeepingSink;
using testing_support::RunReady;
using testing_support::ScriptedModel;
using testing_support::TextRequest;
using testing_support::TextResponse;

class Observer final : public AttemptObserver {
 public:
  void OnAttempt(const Attempt& attempt) override {
    outcomes.emplace_back(attempt.outcome);
    total.Add(attempt.usage);
  }
  std::vector<std::string> outcomes;
  Usage total;
};

class AttemptMeterTest : public ::testing::Test {
 protected:
  static lm::Response Answer(long long input, long long output) {
    lm::Response response = TextResponse("x");
    response.usage = {.input_tokens = input, .output_tokens = output};
    return response;
  }
  // 40 bytes.
  static lm::Request Forty() { return TextRequest(std::string(40, 'x')); }

  VirtualTime time_;
  asio::io_context io_;
  Observer observer_;
  std::shared_ptr<ScriptedModel> inner_ = std::make_shared<ScriptedModel>(time_);
  const Price price_{.input = *ParsePriceOfMillion("2"), .output = *ParsePriceOfMillion("10")};
  std::shared_ptr<lm::LanguageModel> model_ = NewAttemptMeter(inner_, observer_, price_);
};

TEST_F(AttemptMeterTest, ChargesAnAnswerOnce) {
  inner_->Then(Answer(1000, 100));
  Call call(io_, *model_);
  time_.Run(io_);
  const Usage& charged = call.record().charged;
  EXPECT_EQ(charged.input_tokens, 1000);
  EXPECT_EQ(charged.output_tokens, 100);
  EXPECT_EQ(charged.lm_calls, 1);
  EXPECT_EQ(charged.cost.ToString(), "0.003");
  EXPECT_FALSE(charged.estimated);
  EXPECT_EQ(call.result()->usage.cost, charged.cost);
  EXPECT_EQ(observer_.total.cost, charged.cost);
  EXPECT_EQ(call.record().attempts.size(), 1u);
}

TEST_F(AttemptMeterTest, WithoutAPriceThereIsNoCost) {
  inner_->Then(Answer(1000, 100));
  const auto free = NewAttemptMeter(inner_, observer_);
  Call call(io_, *free);
  time_.Run(io_);
  EXPECT_EQ(call.record().charged.input_tokens, 1000);
  EXPECT_EQ(call.record().charged.cost, Money());
}

TEST_F(AttemptMeterTest, FailuresThatTheProviderBillsAreCharged) {
  const Error broken(absl::StatusCode::kUnavailable, reason::kProviderOverloaded, "It failed on the way.");
  inner_->Then(lm::WithUsage(broken, {.input_tokens = 500, .output_tokens = 50})).Then(broken).Then(Answer(500, 100));
  RetryBudget budget({});
  const auto retrying = NewRetrying(model_, {}, budget, time_, [] { return 0.0; });
  Call call(io_, *retrying);
  time_.Run(io_);
  ASSERT_TRUE(call.result().ok());
  const Usage& charged = call.record().charged;
  EXPECT_EQ(charged.input_tokens, 1000) << "the second one cost nothing";
  EXPECT_EQ(charged.output_tokens, 150);
  EXPECT_EQ(charged.lm_calls, 1);
  EXPECT_EQ(charged.cost.ToString(), "0.0035");
  EXPECT_FALSE(charged.estimated);
  EXPECT_EQ(call.result()->usage.input_tokens, 500) << "an answer has what it cost itself";
  EXPECT_EQ(observer_.outcomes, (std::vector<std::string>{"provider_overloaded", "provider_overloaded", "ok"}));
}

TEST_F(AttemptMeterTest, WhatAnAnswerDoesNotCountIsEstimated) {
  lm::Response silent = TextResponse(std::string(30, 'y'));
  silent.completions.front().reasoning = std::string(10, 'z');
  lm::Response halves = silent;
  halves.usage = {.input_tokens = 7};
  lm::Response empty = TextResponse("");
  empty.usage = {.input_tokens = 7};
  for (const auto& [response, input, output, estimated] :
       {std::tuple(silent, 10, 10, true), std::tuple(halves, 7, 10, true), std::tuple(empty, 7, 0, false),
        std::tuple(Answer(7, 3), 7, 3, false)}) {
    const auto inner = std::make_shared<ScriptedModel>(time_);
    inner->Then(response);
    const auto model = NewAttemptMeter(inner, observer_, price_);
    Call call(io_, *model, {.request = Forty()});
    time_.Run(io_);
    const Usage& charged = call.record().charged;
    EXPECT_EQ(charged.input_tokens, input);
    EXPECT_EQ(charged.output_tokens, output);
    EXPECT_EQ(charged.estimated, estimated);
    EXPECT_EQ(charged.lm_calls, 1);
    EXPECT_EQ(charged.cost, CostOf(charged, price_));
    EXPECT_EQ(call.result()->usage.estimated, estimated);
  }
}

TEST_F(AttemptMeterTest, AnAbortedCallIsSettledByEstimate) {
  inner_->ThenAfter(seconds(60), Answer(1, 1));
  Call call(io_, *model_, {.request = Forty()});
  RunReady(io_);
  call.Cancel();
  RunReady(io_);
  ASSERT_TRUE(call.ended());
  EXPECT_EQ(call.record().charged.input_tokens, 10);
  EXPECT_TRUE(call.record().charged.estimated);
  EXPECT_EQ(call.record().charged.cost.ToString(), "0.00002");
  EXPECT_EQ(call.record().charged.lm_calls, 0);
}

TEST_F(AttemptMeterTest, ATimeOutCostsOnlyOnceTheRequestWasSent) {
  const Error timeout(absl::StatusCode::kDeadlineExceeded, reason::kProviderTimeout, "It took too long.");
  const Error deadline(absl::StatusCode::kDeadlineExceeded, reason::kDeadlineExceeded, "Over.");
  for (const auto& [error, key, value, charged] :
       {std::tuple(timeout, "phase", "connect", 0), std::tuple(timeout, "phase", "first_byte", 10),
        std::tuple(timeout, "phase", "idle", 10), std::tuple(deadline, "where", "queue", 0),
        std::tuple(deadline, "where", "total", 10)}) {
    const auto inner = std::make_shared<ScriptedModel>(time_);
    inner->Then(Error(error).With(key, value));
    const auto model = NewAttemptMeter(inner, observer_, price_);
    Call call(io_, *model, {.request = Forty()});
    time_.Run(io_);
    EXPECT_EQ(call.record().charged.input_tokens, charged) << value;
    EXPECT_EQ(call.record().charged.estimated, charged > 0) << value;
  }
}

TEST_F(AttemptMeterTest, AStreamThatBreaksCostsItsInputAndWhatCame) {
  inner_->Then([](RequestContext context) -> Task<lm::Response> {
    const absl::Status first = co_await context.deltas()->Take(lm::TextDelta{std::string(30, 'y')});
    const absl::Status second = co_await context.deltas()->Take(lm::ReasoningDelta{std::string(10, 'z')});
    EXPECT_TRUE(first.ok() && second.ok());
    co_return Error(absl::StatusCode::kUnavailable, reason::kProviderUnreachable, "The connection broke.");
  });
  KeepingSink sink;
  Call call(io_, *model_, {.request = Forty(), .deltas = &sink});
  time_.Run(io_);
  EXPECT_EQ(sink.deltas.size(), 2u);
  EXPECT_EQ(call.record().charged.input_tokens, 10);
  EXPECT_EQ(call.record().charged.output_tokens, 10);
  EXPECT_TRUE(call.record().charged.estimated);
}

TEST_F(AttemptMeterTest, NotesEachAttemptInTheBudget) {
  inner_->Then(Error(absl::StatusCode::kUnavailable, reason::kProviderOverloaded, "Full."));
  AttemptBudget attempts(2);
  RetryBudget budget({});
  const auto retrying = NewRetrying(model_, {.max_attempts = 5}, budget, time_, [] { return 0.0; });
  Call call(io_, *retrying, {.attempts = &attempts});
  time_.Run(io_);
  EXPECT_EQ(attempts.made(), 2);
  EXPECT_EQ(inner_->called_at.size(), 2u);
  EXPECT_EQ(ErrorMetadata(call.result().status(), "attempts"), "2");
}

}  // namespace
}  // namespace dspex
