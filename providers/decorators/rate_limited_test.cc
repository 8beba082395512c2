#include "providers/decorators/rate_limited.h"

#include <gtest/gtest.h>

#include <deque>

#include "engine/base/error.h"
#include "engine/base/reasons.h"
#include "engine/lm/error_rate_limits.h"
#include "providers/decorators/breaker.h"
#include "providers/decorators/testing.h"

namespace dspex {
namespace {

using std::chrono::milliseconds;
using std::chrono::minutes;
using std::chrono::seconds;
using testing_support::Call;
using testing_support::CallOptions;
using testing_support::RunReady;
using testing_support::ScriptedModel;
using testing_support::TextRequest;
using testing_support::TextResponse;

class RateLimitedTest : public ::testing::Test {
 protected:
  VirtualTime time_;
  asio::io_context io_;
  const TimePoint begin_ = time_.Now();
  std::shared_ptr<ScriptedModel> inner_ = std::make_shared<ScriptedModel>(time_);
};

TEST_F(RateLimitedTest, AThousandCallsAtOnceWaitForTheirTurn) {
  Limiter limiter({.requests_per_minute = 600}, time_);
  std::vector<std::string> order;
  inner_->Then([&order](RequestContext context) -> Task<lm::Response> {
    order.push_back(context.record().tenant);
    co_return TextResponse("x");
  });
  const auto model = NewRateLimited(inner_, limiter, time_);
  std::deque<Call> calls;
  for (int i = 0; i < 1000; ++i) {
    calls.emplace_back(io_, *model,
                       CallOptions{.deadline = begin_ + seconds(41), .tenant = i < 800 ? "busy" : "quiet"});
  }
  time_.Run(io_);
  int rejected = 0;
  Clock::duration longest{};
  for (const Call& call : calls) {
    rejected += call.result().ok() ? 0 : 1;
    longest = std::max(longest, call.record().queued);
  }
  EXPECT_LT(rejected, 10);
  EXPECT_GE(longest, seconds(39));
  EXPECT_LE(time_.Now(), begin_ + seconds(41));
  // The 200 of one tenant do not wait behind the 200 that the other has still to send.
  const auto half = order.begin() + 800;
  EXPECT_NEAR(static_cast<double>(std::count(order.begin() + 600, half, "quiet")), 100, 2);
}

TEST_F(RateLimitedTest, ARefusalOfTheBreakerGivesTheTokensBack) {
  Limiter limiter({.requests_per_minute = 2}, time_);
  Breaker breaker({.window = 1, .failure_percent = 1, .open_for = seconds(5)}, time_);
  ASSERT_TRUE(breaker.Enter().ok());
  breaker.Report(Breaker::Outcome::kFailure);
  inner_->Then(TextResponse("x"));
  const auto model = NewRateLimited(NewBreaking(inner_, breaker), limiter, time_);
  for (int i = 0; i < 10; ++i) {
    Call call(io_, *model);
    time_.Run(io_);
    EXPECT_EQ(ErrorReason(call.result().status()), reason::kProviderCircuitOpen);
  }
  EXPECT_EQ(time_.Now(), begin_);
  time_.Advance(seconds(5));
  Call call(io_, *model);
  RunReady(io_);
  ASSERT_TRUE(call.ended());
  EXPECT_TRUE(call.result().ok());
}

TEST_F(RateLimitedTest, ReservesTheOutputLimitAndSettlesByUsage) {
  Limiter limiter({.tokens_per_minute = 6000}, time_);
  lm::Response brief = TextResponse("x");
  brief.usage = {.input_tokens = 10, .output_tokens = 20};
  inner_->ThenAfter(seconds(1), brief);
  const auto model = NewRateLimited(inner_, limiter, time_);
  lm::Request request = TextRequest("Why?");
  request.options = std::make_shared<lm::Options>(lm::Options{.max_tokens = 5000});
  Call first(io_, *model, {.request = request});
  Call second(io_, *model, {.request = request});
  time_.Run(io_);
  ASSERT_EQ(inner_->called_at.size(), 2u);
  EXPECT_EQ(inner_->called_at[1] - inner_->called_at[0], seconds(1)) << "it waits for what the first did not use";
  EXPECT_EQ(second.record().queued, seconds(1));
}

TEST_F(RateLimitedTest, RetryAfterPausesTheEndpointForAll) {
  Limiter limiter({.requests_per_minute = 6000}, time_);
  inner_
      ->Then(Error(absl::StatusCode::kResourceExhausted, reason::kProviderRateLimited, "Slow down.")
                 .RetryAfter(seconds(7)))
      .Then(TextResponse("x"));
  const auto model = NewRateLimited(inner_, limiter, time_);
  Call refused(io_, *model);
  RunReady(io_);
  Call other(io_, *model, {.tenant = "other"});
  Call hasty(io_, *model, begin_ + seconds(3));
  time_.Run(io_);
  EXPECT_EQ(ErrorReason(refused.result().status()), reason::kProviderRateLimited);
  EXPECT_TRUE(other.result().ok());
  EXPECT_EQ(other.record().queued, seconds(7));
  EXPECT_EQ(ErrorReason(hasty.result().status()), reason::kProviderLimitReached);
  EXPECT_EQ(ErrorMetadata(hasty.result().status(), "provider"), "scripted");
  EXPECT_EQ(ErrorMetadata(hasty.result().status(), "model"), "model");
}

TEST_F(RateLimitedTest, HeadersOfAnswersAreHeeded) {
  Limiter limiter({.first_in_flight = 4, .probe_step = std::chrono::hours(1)}, time_);
  lm::Response response = TextResponse("x");
  response.rate_limits =
      std::make_shared<lm::RateLimits>(lm::RateLimits{.requests = {.limit = 60, .remaining = 0, .reset = minutes(1)}});
  inner_->Then(response);
  const auto model = NewRateLimited(inner_, limiter, time_);
  Call first(io_, *model);
  RunReady(io_);
  Call second(io_, *model);
  time_.Run(io_);
  EXPECT_EQ(second.record().queued, seconds(1));
}

TEST_F(RateLimitedTest, HeadersOfRefusalsAreHeeded) {
  Limiter limiter({.first_in_flight = 4, .probe_step = std::chrono::hours(1)}, time_);
  const absl::Status refusal = Error(absl::StatusCode::kResourceExhausted, reason::kProviderRateLimited, "Slow down.");
  inner_->Then(lm::WithRateLimits(refusal, {.tokens = {.limit = 600, .remaining = 0, .reset = minutes(1)}}))
      .Then(TextResponse("x"));
  const auto model = NewRateLimited(inner_, limiter, time_);
  lm::Request request = TextRequest(std::string(40, 'x'));
  request.options = std::make_shared<lm::Options>(lm::Options{.max_tokens = 20});
  Call refused(io_, *model, {.request = request});
  RunReady(io_);
  EXPECT_EQ(refused.result().status(), refusal) << "callers have no use for what it says of limits";
  Call second(io_, *model, {.request = request});
  time_.Run(io_);
  EXPECT_TRUE(second.result().ok());
  EXPECT_EQ(second.record().queued, seconds(3)) << "30 tokens at ten a second";
}

TEST_F(RateLimitedTest, WhileNothingIsKnownFewAreInFlight) {
  Limiter limiter({.first_in_flight = 4, .probe_step = std::chrono::hours(1)}, time_);
  int in_flight = 0;
  std::vector<int> most;
  inner_->Then([&](RequestContext) -> Task<lm::Response> {
    most.push_back(++in_flight);
    const absl::Status slept = co_await time_.SleepUntil(time_.Now() + seconds(1));
    EXPECT_TRUE(slept.ok());
    --in_flight;
    co_return TextResponse("x");
  });
  const auto model = NewRateLimited(inner_, limiter, time_);
  std::deque<Call> calls;
  for (int i = 0; i < 100; ++i) calls.emplace_back(io_, *model);
  RunReady(io_);
  EXPECT_EQ(in_flight, 4);
  time_.Run(io_);
  EXPECT_EQ(most.size(), 100u);
  EXPECT_LE(time_.Now(), begin_ + seconds(3)) << "each success doubles it";
  for (const Call& call : calls) EXPECT_TRUE(call.result().ok());
}

TEST_F(RateLimitedTest, ACallThatIsCancelledInFlightFreesItsPlace) {
  Limiter limiter({.first_in_flight = 1, .probe_step = std::chrono::hours(1)}, time_);
  inner_->ThenAfter(minutes(10), TextResponse("late")).Then(TextResponse("x"));
  const auto model = NewRateLimited(inner_, limiter, time_);
  Call slow(io_, *model);
  Call next(io_, *model);
  RunReady(io_);
  EXPECT_FALSE(next.ended());
  slow.Cancel();
  RunReady(io_);
  EXPECT_TRUE(slow.ended());
  EXPECT_TRUE(next.ended());
}

}  // namespace
}  // namespace dspex
