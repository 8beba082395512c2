#include "providers/decorators/fallback.h"

#include <gtest/gtest.h>

#include <deque>
#include <random>

#include "engine/base/error.h"
#include "engine/base/reasons.h"
#include "providers/decorators/attempt_meter.h"
#include "providers/decorators/breaker.h"
#include "providers/decorators/retrying.h"
#include "providers/decorators/several.h"
#include "providers/decorators/testing.h"

namespace dspex {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;
using testing_support::Call;
using testing_support::KeepingSink;
using testing_support::ScriptedModel;
using testing_support::TextResponse;

Error Overloaded() { return Error(absl::StatusCode::kUnavailable, reason::kProviderOverloaded, "Full. Try later."); }

class Deaf final : public AttemptObserver {
 public:
  void OnAttempt(const Attempt&) override {}
};

class FallbackTest : public ::testing::Test {
 protected:
  std::shared_ptr<lm::LanguageModel> Chain(FallbackOptions options = {}) {
    return NewFallback({first_, second_, third_}, options, time_);
  }

  VirtualTime time_;
  asio::io_context io_;
  const TimePoint begin_ = time_.Now();
  Deaf observer_;
  std::shared_ptr<ScriptedModel> first_ = std::make_shared<ScriptedModel>(time_);
  std::shared_ptr<ScriptedModel> second_ = std::make_shared<ScriptedModel>(time_);
  std::shared_ptr<ScriptedModel> third_ = std::make_shared<ScriptedModel>(time_);
};

TEST_F(FallbackTest, TheNextAnswersWhereTheFirstFails) {
  first_->Then(Overloaded());
  second_->Then(Error(absl::StatusCode::kFailedPrecondition, reason::kProviderBilling, "No credit."));
  third_->Then(TextResponse("x"));
  const auto model = Chain();
  Call call(io_, *model);
  time_.Run(io_);
  ASSERT_TRUE(call.result().ok());
  EXPECT_EQ(call.result()->entry, 2);
  EXPECT_EQ(call.result()->attempts, 3);
}

TEST_F(FallbackTest, WhatIsWrongWithTheRequestIsWrongEverywhere) {
  for (const absl::string_view why : {reason::kContextWindow, reason::kContentFiltered, reason::kCancelled,
                                      reason::kProviderInvalidRequest, reason::kInternal}) {
    EXPECT_FALSE(IsWorthAnother(Error(absl::StatusCode::kInvalidArgument, why, "No."))) << why;
  }
  EXPECT_TRUE(IsWorthAnother(
      Error(absl::StatusCode::kFailedPrecondition, reason::kProviderInvalidRequest, "It knows no such model.")));
  first_->Then(Error(absl::StatusCode::kInvalidArgument, reason::kContextWindow, "Too long."));
  const auto model = Chain();
  Call call(io_, *model);
  time_.Run(io_);
  EXPECT_EQ(ErrorReason(call.result().status()), reason::kContextWindow);
  EXPECT_EQ(ErrorMetadata(call.result().status(), "attempts"), "1");
  EXPECT_TRUE(second_->called_at.empty());
}

TEST_F(FallbackTest, WhereAllFailTheErrorCountsAllTries) {
  for (const auto& each : {first_, second_, third_}) each->Then(Error(Overloaded()).With("attempts", 2));
  const auto model = Chain();
  Call call(io_, *model);
  time_.Run(io_);
  EXPECT_EQ(ErrorReason(call.result().status()), reason::kProviderOverloaded);
  EXPECT_EQ(ErrorMetadata(call.result().status(), "attempts"), "6");
}

TEST_F(FallbackTest, NothingIsAskedAgainOnceTheReceiverHasABeginning) {
  first_->Then([](RequestContext context) -> Task<lm::Response> {
    const absl::Status taken = co_await context.deltas()->Take(lm::TextDelta{"Once upon"});
    EXPECT_TRUE(taken.ok());
    co_return Overloaded();
  });
  second_->Then(TextResponse("x"));
  const auto model = Chain();
  KeepingSink sink;
  Call call(io_, *model, {.deltas = &sink});
  time_.Run(io_);
  EXPECT_EQ(ErrorReason(call.result().status()), reason::kProviderOverloaded);
  EXPECT_TRUE(second_->called_at.empty());
}

TEST_F(FallbackTest, AStreamThatFailsBeforeItsFirstPieceGoesOn) {
  first_->Then(Overloaded());
  second_->Then(TextResponse("x"));
  const auto model = Chain();
  KeepingSink sink;
  Call call(io_, *model, {.deltas = &sink});
  time_.Run(io_);
  EXPECT_TRUE(call.result().ok());
}

TEST_F(FallbackTest, EachEntryHasAShareOfTheTime) {
  // Models that end by their deadline, as the HTTP client does.
  const auto hang = [this](RequestContext context) -> Task<lm::Response> {
    const absl::Status slept = co_await time_.SleepUntil(context.deadline());
    EXPECT_TRUE(slept.ok());
    co_return Error(absl::StatusCode::kDeadlineExceeded, reason::kDeadlineExceeded, "Over.").With("where", "total");
  };
  first_->Then(hang);
  second_->Then(hang);
  third_->ThenAfter(seconds(2), TextResponse("x"));
  const auto model = Chain();
  Call call(io_, *model, begin_ + seconds(9));
  time_.Run(io_);
  ASSERT_TRUE(call.result().ok()) << call.result().status();
  EXPECT_EQ(second_->called_at[0] - begin_, seconds(3));
  EXPECT_EQ(third_->called_at[0] - begin_, seconds(6));
  const auto hanging = NewFallback({first_, second_}, {}, time_);
  const TimePoint again = time_.Now();
  Call hopeless(io_, *hanging, again + seconds(9));
  time_.Run(io_);
  EXPECT_EQ(ErrorReason(hopeless.result().status()), reason::kDeadlineExceeded);
  EXPECT_LE(time_.Now() - again, seconds(9));
}

TEST_F(FallbackTest, AnEntryThatUsesUpItsShareOpensItsBreaker) {
  first_->Then([this](RequestContext context) -> Task<lm::Response> {
    const absl::Status slept = co_await time_.SleepUntil(context.deadline());
    EXPECT_TRUE(slept.ok());
    co_return Error(absl::StatusCode::kDeadlineExceeded, reason::kDeadlineExceeded, "Over.").With("where", "total");
  });
  second_->Then(TextResponse("x"));
  Breaker breaker({.window = 3, .failure_percent = 50, .open_for = seconds(100)}, time_);
  const auto model = NewFallback({NewBreaking(first_, breaker), second_}, {}, time_);
  std::vector<Clock::duration> took;
  for (int i = 0; i < 5; ++i) {
    const TimePoint begin = time_.Now();
    Call call(io_, *model, begin + seconds(4));
    time_.Run(io_);
    EXPECT_TRUE(call.result().ok());
    took.push_back(time_.Now() - begin);
  }
  EXPECT_EQ(took, (std::vector<Clock::duration>{seconds(2), seconds(2), seconds(2), seconds(0), seconds(0)}));
}

TEST_F(FallbackTest, OneCapOnAttemptsSpansRetriesAndFallbacks) {
  std::deque<RetryBudget> budgets;
  std::vector<std::shared_ptr<lm::LanguageModel>> chain;
  for (const auto& each : {first_, second_, third_}) {
    each->Then(Overloaded());
    chain.push_back(NewRetrying(NewAttemptMeter(each, observer_), {.max_attempts = 3},
                                budgets.emplace_back(RetryBudget::Options()), time_, [] { return 0.0; }));
  }
  const auto model = NewFallback(chain, {.max_attempts = 5}, time_);
  Call call(io_, *model);
  time_.Run(io_);
  EXPECT_EQ(first_->called_at.size(), 3u);
  EXPECT_EQ(second_->called_at.size(), 2u);
  EXPECT_EQ(third_->called_at.size(), 0u);
  EXPECT_EQ(ErrorMetadata(call.result().status(), "attempts"), "5");
}

TEST_F(FallbackTest, AnOutageIsNeitherSeenNorMultiplied) {
  const auto seed = std::random_device()();
  SCOPED_TRACE(testing::Message() << "seed " << seed);
  std::mt19937_64 random(seed);
  const Error kinds[] = {
      Overloaded(), Error(absl::StatusCode::kUnavailable, reason::kProviderUnreachable, "Refused."),
      Error(absl::StatusCode::kDeadlineExceeded, reason::kProviderTimeout, "Hangs.").With("phase", "first_byte")};
  first_->Then([&](RequestContext) -> Task<lm::Response> { co_return kinds[random() % 3]; });
  second_->ThenAfter(milliseconds(300), TextResponse("x"));
  RetryBudget first_budget({.share = 0.2, .reserve = 20});
  RetryBudget second_budget({.share = 0.2, .reserve = 20});
  const auto luck = [&random] { return std::uniform_real_distribution<double>()(random); };
  const auto model = NewFallback({NewRetrying(NewAttemptMeter(first_, observer_), {}, first_budget, time_, luck),
                                  NewRetrying(NewAttemptMeter(second_, observer_), {}, second_budget, time_, luck)},
                                 {}, time_);
  std::deque<Call> calls;
  constexpr std::size_t kCalls = 1000;
  for (std::size_t i = 0; i < kCalls; ++i) {
    calls.emplace_back(io_, *model, time_.Now() + seconds(20));
    time_.Advance(milliseconds(10));
    testing_support::RunReady(io_);
  }
  time_.Run(io_);
  for (const Call& call : calls) EXPECT_TRUE(call.result().ok()) << call.result().status();
  EXPECT_LE(first_->called_at.size(), kCalls + 20 + kCalls / 5);
  EXPECT_EQ(second_->called_at.size(), kCalls);
}

TEST(SeveralTest, CapabilitiesAreWhatAllTake) {
  EXPECT_EQ(Intersection({.images = true, .json_schema = true, .tools = true}, {.json_schema = true, .tools = true}),
            (lm::Capabilities{.json_schema = true, .tools = true}));
}

}  // namespace
}  // namespace dspex
