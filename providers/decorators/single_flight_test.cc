#include "providers/decorators/single_flight.h"

#include <gtest/gtest.h>

#include <boost/asio/co_spawn.hpp>
#include <deque>
#include <random>
#include <stdexcept>
#include <vector>

#include "engine/base/error.h"
#include "engine/base/reasons.h"
#include "providers/decorators/attempt_meter.h"
#include "providers/decorators/retrying.h"
#include "providers/decorators/testing.h"

namespace dspex {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;
using testing_support::Call;
using testing_support::CallOptions;
using testing_support::KeepingSink;
using testing_support::RunReady;
using testing_support::ScriptedModel;
using testing_support::TextRequest;
using testing_support::TextResponse;

class Deaf final : public AttemptObserver {
 public:
  void OnAttempt(const Attempt&) override {}
};

class SingleFlightTest : public ::testing::Test {
 protected:
  ~SingleFlightTest() override {
    scope_.CancelAll();
    time_.Run(io_);
    EXPECT_TRUE(scope_.Join(Clock::now()));
  }
  Call& Ask(CallOptions options = {}) { return calls_.emplace_back(io_, *model_, std::move(options)); }
  std::size_t tries() const { return inner_->called_at.size(); }

  static lm::Response Answer(std::string text) {
    lm::Response response = TextResponse(std::move(text));
    response.usage = {.input_tokens = 10, .output_tokens = 5};
    return response;
  }

  VirtualTime time_;
  asio::io_context io_;
  const TimePoint begin_ = time_.Now();
  Deaf observer_;
  TaskScope scope_;
  RequestDigester digester_{"chain"};
  std::shared_ptr<ScriptedModel> inner_ = std::make_shared<ScriptedModel>(time_);
  std::shared_ptr<lm::LanguageModel> model_ =
      NewSingleFlight(NewAttemptMeter(inner_, observer_), digester_, scope_, time_);
  std::deque<Call> calls_;
};

TEST_F(SingleFlightTest, EqualCallsShareOneAndTheFirstPays) {
  inner_->ThenAfter(seconds(1), Answer("shared"));
  Call& first = Ask();
  Call& second = Ask();
  RunReady(io_);
  Call& third = Ask();
  Call& other = Ask({.request = TextRequest("something else")});
  time_.Run(io_);
  EXPECT_EQ(tries(), 2u);
  for (const Call* call : {&first, &second, &third, &other}) {
    ASSERT_TRUE(call->result().ok());
    EXPECT_EQ(call->result()->completions[0].text, "shared");
  }
  EXPECT_EQ(first.record().charged.input_tokens, 10);
  EXPECT_EQ(first.result()->usage.input_tokens, 10);
  for (const Call* call : {&second, &third}) {
    EXPECT_EQ(call->record().charged.input_tokens, 0);
    EXPECT_EQ(call->result()->usage.input_tokens, 0);
  }
  EXPECT_EQ(first.record().attempts.size(), 1u);
}

TEST_F(SingleFlightTest, ACallThatComesAfterTheEndIsAnother) {
  inner_->Then(Answer("one")).Then(Answer("two"));
  Ask();
  time_.Run(io_);
  Call& second = Ask();
  time_.Run(io_);
  EXPECT_EQ(second.result()->completions[0].text, "two");
}

TEST_F(SingleFlightTest, TheCallOutlivesWhoBeganIt) {
  inner_->ThenAfter(seconds(1), Answer("shared"));
  Call& first = Ask();
  Call& second = Ask();
  RunReady(io_);
  first.Cancel();
  RunReady(io_);
  ASSERT_TRUE(first.ended());
  EXPECT_EQ(first.result().status().code(), absl::StatusCode::kCancelled);
  time_.Run(io_);
  EXPECT_EQ(tries(), 1u);
  ASSERT_TRUE(second.result().ok());
  EXPECT_EQ(second.record().charged.input_tokens, 10) << "the first of those who are still there";
  EXPECT_EQ(second.result()->usage.input_tokens, 10);
  EXPECT_EQ(first.record().charged.input_tokens, 0);
}

TEST_F(SingleFlightTest, AFollowerThatLeavesDisturbsNobody) {
  inner_->ThenAfter(seconds(1), Answer("shared"));
  Call& first = Ask();
  Call& second = Ask();
  RunReady(io_);
  second.Cancel();
  RunReady(io_);
  EXPECT_TRUE(second.ended());
  time_.Run(io_);
  EXPECT_TRUE(first.result().ok());
  EXPECT_EQ(first.record().charged.input_tokens, 10);
}

TEST_F(SingleFlightTest, TheCallDiesWithTheLastWhoWaitsAndIsChargedByEstimate) {
  inner_->ThenAfter(seconds(60), Answer("late"));
  const lm::Request request = TextRequest(std::string(40, 'x'));
  Call& first = Ask({.request = request});
  Call& second = Ask({.request = request});
  RunReady(io_);
  first.Cancel();
  second.Cancel();
  RunReady(io_);
  ASSERT_TRUE(first.ended());
  ASSERT_TRUE(second.ended());
  EXPECT_EQ(time_.Now(), begin_);
  EXPECT_EQ(first.record().charged.input_tokens + second.record().charged.input_tokens, 10);
  EXPECT_TRUE(second.record().charged.estimated);
}

TEST_F(SingleFlightTest, WhoComesAfterAllLeftBeginsAnew) {
  inner_->ThenAfter(seconds(60), Answer("late")).Then(Answer("fresh"));
  Call& first = Ask();
  RunReady(io_);
  first.Cancel();
  RunReady(io_);
  Call& second = Ask();
  RunReady(io_);
  ASSERT_TRUE(second.ended());
  EXPECT_EQ(second.result()->completions[0].text, "fresh");
}

TEST_F(SingleFlightTest, EachWaitsToItsOwnDeadlineAndTheCallToTheLatest) {
  inner_->ThenAfter(seconds(10), Answer("shared"));
  Call& hasty = Ask({.deadline = begin_ + seconds(2)});
  RunReady(io_);
  time_.Advance(seconds(1));
  Call& patient = Ask({.deadline = begin_ + seconds(20)});
  Call& middling = Ask({.deadline = begin_ + seconds(5)});
  RunReady(io_);
  time_.AdvanceTo(begin_ + seconds(2));
  RunReady(io_);
  ASSERT_TRUE(hasty.ended());
  EXPECT_EQ(ErrorReason(hasty.result().status()), reason::kDeadlineExceeded);
  time_.AdvanceTo(begin_ + seconds(5));
  RunReady(io_);
  EXPECT_EQ(ErrorReason(middling.result().status()), reason::kDeadlineExceeded);
  time_.Run(io_);
  ASSERT_TRUE(patient.result().ok()) << patient.result().status();
  EXPECT_EQ(time_.Now(), begin_ + seconds(10));
  EXPECT_EQ(tries(), 1u);
}

TEST_F(SingleFlightTest, TheLastDeadlineEndsTheCall) {
  inner_->ThenAfter(seconds(60), Answer("late"));
  Call& only = Ask({.deadline = begin_ + seconds(3)});
  time_.Run(io_);
  EXPECT_EQ(ErrorReason(only.result().status()), reason::kDeadlineExceeded);
  EXPECT_EQ(time_.Now(), begin_ + seconds(3)) << "nobody sleeps on";
  EXPECT_TRUE(only.record().charged.estimated);
}

/// Makes a call, and another one after that, as a job does.
asio::awaitable<void> CallTwice(lm::LanguageModel& model, RequestContext first, RequestContext second,
                                const lm::Request& request, std::vector<absl::Status>& ended) {
  co_await asio::this_coro::throw_if_cancelled(false);
  for (const RequestContext& context : {first, second}) {
    const absl::StatusOr<lm::Response> response = co_await model.Generate(context, request);
    ended.push_back(response.status());
  }
}

TEST_F(SingleFlightTest, WhoWasLateCanStillBeCancelled) {
  inner_->ThenAfter(seconds(60), Answer("late"));
  RequestRecord record;
  const lm::Request request = TextRequest("x");
  std::vector<absl::Status> ended;
  asio::cancellation_signal cancel;
  asio::co_spawn(io_,
                 CallTwice(*model_, RequestContext(record, begin_ + seconds(1)), RequestContext(record, kNoDeadline),
                           request, ended),
                 asio::bind_cancellation_slot(cancel.slot(), [](const std::exception_ptr&) {}));
  RunReady(io_);
  time_.Advance(seconds(1));
  RunReady(io_);
  ASSERT_EQ(ended.size(), 1u);
  EXPECT_EQ(ErrorReason(ended[0]), reason::kDeadlineExceeded);
  cancel.emit(asio::cancellation_type::terminal);
  RunReady(io_);
  ASSERT_EQ(ended.size(), 2u);
  EXPECT_TRUE(absl::IsCancelled(ended[1])) << ended[1];
}

TEST_F(SingleFlightTest, WhatIsWorthAWaitIsDecidedByTheLatestDeadline) {
  inner_->Then(Error(absl::StatusCode::kUnavailable, reason::kProviderOverloaded, "Full.").RetryAfter(seconds(8)))
      .Then(Answer("at last"));
  RetryBudget budget({});
  model_ = NewSingleFlight(NewRetrying(inner_, {}, budget, time_, [] { return 0.0; }), digester_, scope_, time_);
  Call& alone = Ask({.deadline = begin_ + seconds(2)});
  time_.Run(io_);
  EXPECT_EQ(ErrorReason(alone.result().status()), reason::kProviderOverloaded) << "no wait is begun";
  EXPECT_EQ(time_.Now(), begin_);

  inner_ = std::make_shared<ScriptedModel>(time_);
  inner_
      ->ThenAfter(seconds(1),
                  Error(absl::StatusCode::kUnavailable, reason::kProviderOverloaded, "Full.").RetryAfter(seconds(8)))
      .Then(Answer("at last"));
  model_ = NewSingleFlight(NewRetrying(inner_, {}, budget, time_, [] { return 0.0; }), digester_, scope_, time_);
  Call& hasty = Ask({.deadline = begin_ + seconds(2)});
  Call& patient = Ask({.deadline = begin_ + seconds(20)});
  time_.Run(io_);
  EXPECT_EQ(ErrorReason(hasty.result().status()), reason::kDeadlineExceeded);
  EXPECT_TRUE(patient.result().ok()) << patient.result().status();
}

TEST_F(SingleFlightTest, StreamsAreOnTheirOwn) {
  inner_->ThenAfter(seconds(1), Answer("x"));
  KeepingSink sink;
  KeepingSink another;
  Ask({.deltas = &sink});
  Ask({.deltas = &another});
  Ask();
  time_.Run(io_);
  EXPECT_EQ(tries(), 3u);
}

TEST_F(SingleFlightTest, ErrorsAreShared) {
  inner_->ThenAfter(seconds(1), Error(absl::StatusCode::kFailedPrecondition, reason::kProviderAuth, "No."));
  Call& first = Ask();
  Call& second = Ask();
  time_.Run(io_);
  EXPECT_EQ(ErrorReason(first.result().status()), reason::kProviderAuth);
  EXPECT_EQ(ErrorReason(second.result().status()), reason::kProviderAuth);
  EXPECT_EQ(tries(), 1u);
}

TEST_F(SingleFlightTest, TheServersEndIsToldAsSuch) {
  inner_->ThenAfter(seconds(60), Answer("late"));
  Call& running = Ask();
  RunReady(io_);
  scope_.CancelAll();
  Call& joining = Ask();
  Call& late = Ask({.request = TextRequest("another")});
  RunReady(io_);
  for (const Call* call : {&running, &joining, &late}) {
    ASSERT_TRUE(call->ended());
    EXPECT_EQ(ErrorReason(call->result().status()), reason::kDraining);
  }
}

TEST_F(SingleFlightTest, WhoeverComesAndGoesEachGetsOneEndAndEachCallOnePayer) {
  const auto seed = std::random_device()();
  SCOPED_TRACE(testing::Message() << "seed " << seed);
  std::mt19937_64 random(seed);
  int finished = 0;
  inner_->Then([&](RequestContext) -> Task<lm::Response> {
    const absl::Status slept = co_await time_.SleepUntil(time_.Now() + milliseconds(1 + random() % 100));
    if (!slept.ok()) co_return slept;
    ++finished;
    co_return Answer("x");
  });
  for (int i = 0; i < 2000; ++i) {
    const TimePoint deadline = random() % 2 == 0 ? kNoDeadline : time_.Now() + milliseconds(random() % 150);
    Ask({.deadline = deadline, .request = TextRequest(std::to_string(random() % 5))});
    Call& another = calls_[random() % calls_.size()];
    if (random() % 3 == 0 && !another.ended()) another.Cancel();
    time_.Advance(milliseconds(random() % 10));
    RunReady(io_);
  }
  time_.Run(io_);
  int payers = 0;
  for (const Call& call : calls_) {
    ASSERT_TRUE(call.ended());
    payers += call.record().charged.lm_calls;
  }
  EXPECT_EQ(payers, finished);
  EXPECT_LT(tries(), 2000u);
}

TEST_F(SingleFlightTest, AModelThatThrowsIsADefectThatAllHearOf) {
  inner_->Then([this](RequestContext) -> Task<lm::Response> {
    const absl::Status slept = co_await time_.SleepUntil(time_.Now() + seconds(1));
    if (slept.ok()) throw std::runtime_error("a defect");
    co_return slept;
  });
  Call& first = Ask();
  Call& second = Ask();
  time_.Run(io_);
  ASSERT_TRUE(first.ended());
  ASSERT_TRUE(second.ended());
  EXPECT_EQ(ErrorReason(first.result().status()), reason::kInternal);
  EXPECT_EQ(ErrorReason(second.result().status()), reason::kInternal);
}

}  // namespace
}  // namespace dspex
