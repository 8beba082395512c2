#include "providers/decorators/retrying.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <array>

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

class RetryingTest : public ::testing::Test {
 protected:
  /// What `random` gives.
  double luck_ = 1.0;
  VirtualTime time_;
  asio::io_context io_;
  RetryBudget budget_{{.share = 0.2, .reserve = 3}};
  std::shared_ptr<ScriptedModel> inner_ = std::make_shared<ScriptedModel>(time_);
  std::shared_ptr<lm::LanguageModel> model_ =
      NewRetrying(inner_, {.max_attempts = 4, .base_delay = seconds(1), .max_delay = seconds(3)}, budget_, time_,
                  [this] { return luck_; });

  /// When the model was called, from the first call on.
  std::vector<Clock::duration> Tries() const {
    std::vector<Clock::duration> tries;
    for (const TimePoint at : inner_->called_at) tries.push_back(at - inner_->called_at.front());
    return tries;
  }
};

TEST_F(RetryingTest, TriesAgainAfterWaitsThatDouble) {
  inner_->Then(Overloaded()).Then(Overloaded()).Then(Overloaded()).Then(TextResponse("at last"));
  Call call(io_, *model_);
  time_.Run(io_);
  ASSERT_TRUE(call.result().ok()) << call.result().status();
  EXPECT_EQ(call.result()->attempts, 4);
  EXPECT_THAT(Tries(), ::testing::ElementsAre(seconds(0), seconds(1), seconds(3), seconds(6)));
  EXPECT_EQ(call.record().queued, seconds(6));
}

TEST_F(RetryingTest, TheWaitIsRandomFromZeroOn) {
  luck_ = 0.25;
  inner_->Then(Overloaded()).Then(Overloaded()).Then(TextResponse("x"));
  Call call(io_, *model_);
  time_.Run(io_);
  EXPECT_THAT(Tries(), ::testing::ElementsAre(seconds(0), milliseconds(250), milliseconds(750)));
}

TEST_F(RetryingTest, GivesUpAfterItsTries) {
  inner_->Then(Overloaded());
  Call call(io_, *model_);
  time_.Run(io_);
  EXPECT_EQ(ErrorReason(call.result().status()), reason::kProviderOverloaded);
  EXPECT_EQ(ErrorMetadata(call.result().status(), "attempts"), "4");
}

TEST_F(RetryingTest, OnlyWhatMayChangeIsTriedAgain) {
  for (const absl::string_view why : {reason::kProviderAuth, reason::kProviderPermission, reason::kProviderBilling,
                                      reason::kProviderInvalidRequest, reason::kContextWindow, reason::kContentFiltered,
                                      reason::kProviderMalformed, reason::kDeadlineExceeded, reason::kCancelled}) {
    EXPECT_FALSE(IsRetryable(Error(absl::StatusCode::kUnavailable, why, "No."))) << why;
  }
  inner_->Then(Error(absl::StatusCode::kFailedPrecondition, reason::kProviderBilling, "No credit."));
  Call call(io_, *model_);
  time_.Run(io_);
  EXPECT_EQ(inner_->called_at.size(), 1u);
  EXPECT_EQ(ErrorMetadata(call.result().status(), "attempts"), "1");
}

TEST_F(RetryingTest, RetryAfterIsTheLeastWait) {
  luck_ = 0;
  inner_->Then(Overloaded().RetryAfter(milliseconds(7500))).Then(TextResponse("x"));
  Call call(io_, *model_);
  time_.Run(io_);
  EXPECT_THAT(Tries(), ::testing::ElementsAre(seconds(0), milliseconds(7500)));
}

TEST_F(RetryingTest, AWaitThatDoesNotFitTheDeadlineIsNotBegun) {
  inner_->Then(Overloaded().RetryAfter(seconds(5))).Then(TextResponse("x"));
  const TimePoint begin = time_.Now();
  Call call(io_, *model_, begin + seconds(5));
  time_.Run(io_);
  EXPECT_EQ(ErrorReason(call.result().status()), reason::kProviderOverloaded);
  EXPECT_EQ(ErrorRetryDelay(call.result().status()), seconds(5));
  EXPECT_EQ(time_.Now(), begin);
}

TEST_F(RetryingTest, AnOutageIsNotMultiplied) {
  inner_->Then(Overloaded());
  luck_ = 0;
  constexpr std::size_t kCalls = 100;
  for (std::size_t i = 0; i < kCalls; ++i) {
    Call call(io_, *model_);
    time_.Run(io_);
  }
  // The reserve, and a fifth of a retry for each call.
  EXPECT_LE(inner_->called_at.size(), kCalls + 3 + kCalls / 5);
  EXPECT_GE(inner_->called_at.size(), kCalls + kCalls / 5);
}

TEST_F(RetryingTest, AFirstRefusalForTheRateTakesNothingFromTheBudget) {
  luck_ = 0;
  constexpr std::size_t kCalls = 100;
  for (std::size_t i = 0; i < kCalls; ++i) {
    inner_->Then(Error(absl::StatusCode::kResourceExhausted, reason::kProviderRateLimited, "Slow down."));
    inner_->Then(TextResponse("x"));
  }
  for (std::size_t i = 0; i < kCalls; ++i) {
    Call call(io_, *model_);
    time_.Run(io_);
    EXPECT_TRUE(call.result().ok()) << i;
  }
  EXPECT_EQ(inner_->called_at.size(), 2 * kCalls);
  // A second one does.
  inner_->Then(Error(absl::StatusCode::kResourceExhausted, reason::kProviderRateLimited, "No more today."));
  for (std::size_t i = 0; i < kCalls; ++i) {
    Call call(io_, *model_);
    time_.Run(io_);
  }
  EXPECT_LE(inner_->called_at.size(), 4 * kCalls + 3 + kCalls / 5);
}

TEST_F(RetryingTest, NothingIsTriedAgainOnceTheReceiverHasABeginning) {
  inner_->Then([](RequestContext) -> Task<lm::Response> { co_return Overloaded(); })
      .Then([](RequestContext context) -> Task<lm::Response> {
        const absl::Status taken = co_await context.deltas()->Take(lm::TextDelta{"Once upon"});
        EXPECT_TRUE(taken.ok());
        co_return Overloaded();
      })
      .Then(TextResponse("x"));
  testing_support::KeepingSink sink;
  Call call(io_, *model_, {.deltas = &sink});
  time_.Run(io_);
  EXPECT_EQ(ErrorReason(call.result().status()), reason::kProviderOverloaded);
  EXPECT_EQ(ErrorMetadata(call.result().status(), "attempts"), "2") << "the first had brought nothing";
}

TEST_F(RetryingTest, CancellationEndsTheWait) {
  inner_->Then(Overloaded());
  Call call(io_, *model_);
  while (io_.poll() > 0) {
  }
  ASSERT_FALSE(call.ended());
  call.Cancel();
  io_.restart();
  while (io_.poll() > 0) {
  }
  ASSERT_TRUE(call.ended());
  EXPECT_EQ(call.result().status().code(), absl::StatusCode::kCancelled);
  EXPECT_EQ(inner_->called_at.size(), 1u);
}

}  // namespace
}  // namespace dspex
