#include "providers/decorators/breaker.h"

#include <gtest/gtest.h>

#include "engine/base/error.h"
#include "engine/base/reasons.h"
#include "providers/decorators/testing.h"

namespace dspex {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;
using testing_support::Call;
using testing_support::ScriptedModel;
using testing_support::TextResponse;

Error Overloaded() { return Error(absl::StatusCode::kUnavailable, reason::kProviderOverloaded, "Full. Try later."); }

class BreakerTest : public ::testing::Test {
 protected:
  absl::Status Ask() {
    Call call(io_, *model_);
    time_.Run(io_);
    return call.result().status();
  }
  void AskUntilOpen() {
    for (int i = 0; i < 4; ++i) EXPECT_EQ(ErrorReason(Ask()), reason::kProviderOverloaded);
    EXPECT_TRUE(breaker_.open());
  }

  VirtualTime time_;
  asio::io_context io_;
  Breaker breaker_{{.window = 4, .failure_percent = 50, .open_for = seconds(5)}, time_};
  std::shared_ptr<ScriptedModel> inner_ = std::make_shared<ScriptedModel>(time_);
  std::shared_ptr<lm::LanguageModel> model_ = NewBreaking(inner_, breaker_);
};

TEST_F(BreakerTest, OpensWhenTooManyOfTheLatestFailed) {
  inner_->Then(Overloaded()).Then(TextResponse("x")).Then(TextResponse("x")).Then(TextResponse("x")).Then(Overloaded());
  for (int i = 0; i < 4; ++i) Ask().IgnoreError();
  EXPECT_FALSE(breaker_.open()) << "a quarter failed";
  Ask().IgnoreError();
  EXPECT_FALSE(breaker_.open()) << "the first one does not count any more";
  Ask().IgnoreError();
  EXPECT_TRUE(breaker_.open());
  const absl::Status refused = Ask();
  EXPECT_EQ(refused.code(), absl::StatusCode::kUnavailable);
  EXPECT_EQ(ErrorReason(refused), reason::kProviderCircuitOpen);
  EXPECT_EQ(ErrorMetadata(refused, "provider"), "scripted");
  EXPECT_EQ(ErrorRetryDelay(refused), seconds(5));
  EXPECT_EQ(inner_->called_at.size(), 6u);
}

TEST_F(BreakerTest, OneProbeDecides) {
  inner_->Then(Overloaded())
      .Then(Overloaded())
      .Then(Overloaded())
      .Then(Overloaded())
      .Then(Overloaded())
      .ThenAfter(seconds(1), TextResponse("well"))
      .Then(TextResponse("well"));
  AskUntilOpen();
  time_.Advance(seconds(5));
  EXPECT_EQ(ErrorReason(Ask()), reason::kProviderOverloaded) << "the probe failed";
  EXPECT_EQ(ErrorReason(Ask()), reason::kProviderCircuitOpen);
  time_.Advance(seconds(5));
  Call probe(io_, *model_);
  Call other(io_, *model_);
  time_.Run(io_);
  EXPECT_TRUE(probe.result().ok());
  EXPECT_EQ(ErrorReason(other.result().status()), reason::kProviderCircuitOpen) << "one at a time";
  EXPECT_FALSE(breaker_.open());
  EXPECT_TRUE(Ask().ok());
}

TEST_F(BreakerTest, AProbeThatIsCancelledDecidesNothing) {
  inner_->Then(Overloaded())
      .Then(Overloaded())
      .Then(Overloaded())
      .Then(Overloaded())
      .ThenAfter(seconds(60), TextResponse("late"));
  inner_->Then(TextResponse("well"));
  AskUntilOpen();
  time_.Advance(seconds(5));
  Call probe(io_, *model_);
  io_.restart();
  while (io_.poll() > 0) {
  }
  probe.Cancel();
  io_.restart();
  while (io_.poll() > 0) {
  }
  ASSERT_TRUE(probe.ended());
  EXPECT_TRUE(breaker_.open());
  EXPECT_TRUE(Ask().ok()) << "the next one probes";
}

TEST_F(BreakerTest, WhatTheEndpointIsNotToBlameForDoesNotCount) {
  for (const absl::string_view why :
       {reason::kProviderAuth, reason::kProviderRateLimited, reason::kProviderInvalidRequest, reason::kContextWindow,
        reason::kProviderBilling}) {
    EXPECT_EQ(OutcomeOf(Error(absl::StatusCode::kInternal, why, "x")), Breaker::Outcome::kSuccess) << why;
  }
  EXPECT_EQ(OutcomeOf(absl::CancelledError()), Breaker::Outcome::kNeither);
  EXPECT_EQ(OutcomeOf(Error(absl::StatusCode::kDeadlineExceeded, reason::kDeadlineExceeded, "x")),
            Breaker::Outcome::kNeither);
  EXPECT_EQ(OutcomeOf(Error(absl::StatusCode::kDeadlineExceeded, reason::kProviderTimeout, "x")),
            Breaker::Outcome::kFailure);
}

TEST_F(BreakerTest, AtZeroPercentItNeverOpens) {
  Breaker never({.window = 1, .failure_percent = 0, .open_for = seconds(5)}, time_);
  for (int i = 0; i < 100; ++i) {
    ASSERT_TRUE(never.Enter().ok());
    never.Report(Breaker::Outcome::kFailure);
  }
  EXPECT_FALSE(never.open());
}

}  // namespace
}  // namespace dspex
