#include "providers/decorators/limiter.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/cancellation_signal.hpp>
#include <boost/asio/co_spawn.hpp>
#include <deque>
#include <random>

#include "engine/base/error.h"
#include "engine/base/reasons.h"
#include "providers/decorators/testing.h"

namespace dspex {
namespace {

using std::chrono::milliseconds;
using std::chrono::minutes;
using std::chrono::seconds;
using testing_support::RunReady;

/// One who asks a limiter for leave, keeps it for a while and gives it back.
class Asking {
 public:
  struct Options {
    std::string tenant = "a";
    Limiter::Tokens expected = {};
    TimePoint deadline = kNoDeadline;
    /// How long the call takes, and what it used.
    Clock::duration takes{};
    Limiter::Tokens used = {};
    std::vector<std::string>* order = nullptr;
  };

  Asking(asio::io_context& io, Limiter& limiter, TimeSource& time, Options options)
      : limiter_(limiter), time_(time), options_(std::move(options)) {
    asio::co_spawn(io, Run(),
                   asio::bind_cancellation_slot(cancel_.slot(), [](const std::exception_ptr& e) { EXPECT_FALSE(e); }));
  }
  void Cancel() {
    if (!at_.has_value()) cancel_.emit(asio::cancellation_type::terminal);
  }

  /// When it got leave, or was refused; nothing before.
  const std::optional<TimePoint>& at() const { return at_; }
  const absl::Status& status() const { return status_; }

 private:
  asio::awaitable<void> Run() {
    co_await asio::this_coro::throw_if_cancelled(false);
    absl::StatusOr<Limiter::Grant> grant =
        co_await limiter_.Acquire(options_.tenant, options_.expected, options_.deadline);
    at_ = time_.Now();
    status_ = grant.status();
    if (!grant.ok()) co_return;
    if (options_.order != nullptr) options_.order->push_back(options_.tenant);
    const absl::Status slept = co_await time_.SleepUntil(time_.Now() + options_.takes);
    limiter_.Settle(*std::move(grant), options_.used);
  }

  Limiter& limiter_;
  TimeSource& time_;
  const Options options_;
  asio::cancellation_signal cancel_;
  std::optional<TimePoint> at_;
  absl::Status status_;
};

class LimiterTest : public ::testing::Test {
 protected:
  Asking& Ask(Limiter& limiter, Asking::Options options) {
    return all_.emplace_back(io_, limiter, time_, std::move(options));
  }
  Clock::duration Waited(const Asking& asking) const { return *asking.at() - begin_; }

  VirtualTime time_;
  asio::io_context io_;
  const TimePoint begin_ = time_.Now();
  std::deque<Asking> all_;
};

TEST_F(LimiterTest, AMinutesWorthGoesAtOnceTheRestAsItComes) {
  Limiter limiter({.requests_per_minute = 60}, time_);
  for (int i = 0; i < 70; ++i) Ask(limiter, {});
  time_.Run(io_);
  for (std::size_t i = 0; i < 60; ++i) EXPECT_EQ(Waited(all_[i]), seconds(0)) << i;
  for (std::size_t i = 60; i < 70; ++i) EXPECT_EQ(Waited(all_[i]), seconds(i - 59)) << i;
}

TEST_F(LimiterTest, AThousandAtOnceOfTwoTenantsAreServedFairlyAndInTime) {
  Limiter limiter({.requests_per_minute = 600, .tokens_per_minute = 600'000}, time_);
  const auto seed = std::random_device()();
  SCOPED_TRACE(testing::Message() << "seed " << seed);
  std::mt19937_64 random(seed);
  std::vector<std::string> order;
  for (int i = 0; i < 1000; ++i) {
    // One tenant was there before the other, with more than the limit lets go at once.
    const auto tokens = static_cast<long long>(100 + random() % 800);
    Ask(limiter, {.tenant = i < 700 ? "a" : "b",
                  .expected = {tokens / 2, tokens / 2},
                  .deadline = begin_ + minutes(1),
                  .takes = milliseconds(200),
                  .used = {tokens / 2, tokens / 4},
                  .order = &order});
  }
  time_.Run(io_);
  int rejected = 0;
  for (const Asking& asking : all_) {
    EXPECT_LE(Waited(asking), minutes(1));
    rejected += asking.status().ok() ? 0 : 1;
  }
  EXPECT_LT(rejected, 10);
  // While both wait they take turns, though one came later.
  ASSERT_GE(order.size(), 991u);
  int lead = 0;
  for (std::size_t i = 600; i < 780; ++i) {
    lead += order[i] == "a" ? 1 : -1;
    EXPECT_LE(std::abs(lead), 3) << i;
  }
}

TEST_F(LimiterTest, WaitingTenantsTakeTurns) {
  Limiter limiter({.requests_per_minute = 60}, time_);
  std::vector<std::string> order;
  for (int i = 0; i < 60; ++i) Ask(limiter, {});
  for (int i = 0; i < 20; ++i) Ask(limiter, {.tenant = "many", .order = &order});
  for (int i = 0; i < 5; ++i) Ask(limiter, {.tenant = "few", .order = &order});
  time_.Run(io_);
  ASSERT_EQ(order.size(), 25u);
  EXPECT_EQ(std::count(order.begin(), order.begin() + 10, "few"), 5);
  EXPECT_EQ(std::count(order.begin(), order.begin() + 4, "few"), 2);
}

TEST_F(LimiterTest, TokensCountAsMuchAsRequestsForWhoseTurnItIs) {
  Limiter limiter({.tokens_per_minute = 6000}, time_);
  std::vector<std::string> order;
  Ask(limiter, {.tenant = "first", .expected = {6000, 0}, .used = {6000, 0}});
  for (int i = 0; i < 4; ++i) {
    Ask(limiter, {.tenant = "large", .expected = {1000, 0}, .used = {1000, 0}, .order = &order});
  }
  for (int i = 0; i < 20; ++i) {
    Ask(limiter, {.tenant = "small", .expected = {100, 0}, .used = {100, 0}, .order = &order});
  }
  time_.Run(io_);
  ASSERT_EQ(order.size(), 24u);
  const auto second_large = std::find(std::find(order.begin(), order.end(), "large") + 1, order.end(), "large");
  EXPECT_GE(std::count(order.begin(), second_large, "small"), 9);
}

TEST_F(LimiterTest, AWaitThatIsKnownToBeTooLongIsRefusedAtOnce) {
  Limiter limiter({.requests_per_minute = 60}, time_);
  for (int i = 0; i < 60 + 10; ++i) Ask(limiter, {});
  const Asking& late = Ask(limiter, {.deadline = begin_ + seconds(10)});
  const Asking& in_time = Ask(limiter, {.deadline = begin_ + seconds(11)});
  RunReady(io_);
  ASSERT_TRUE(late.at().has_value());
  EXPECT_EQ(Waited(late), seconds(0));
  EXPECT_EQ(late.status().code(), absl::StatusCode::kResourceExhausted);
  EXPECT_EQ(ErrorReason(late.status()), reason::kProviderLimitReached);
  EXPECT_EQ(ErrorMetadata(late.status(), "limit"), "requests");
  EXPECT_EQ(ErrorRetryDelay(late.status()), seconds(11));
  time_.Run(io_);
  EXPECT_TRUE(in_time.status().ok());
  EXPECT_EQ(Waited(in_time), seconds(11));
}

TEST_F(LimiterTest, NobodyWaitsBeyondTheDeadline) {
  Limiter limiter({.requests_per_minute = 60}, time_);
  for (int i = 0; i < 60 + 5; ++i) Ask(limiter, {});
  const Asking& late = Ask(limiter, {.deadline = begin_ + seconds(7)});
  RunReady(io_);
  EXPECT_FALSE(late.at().has_value()) << "six seconds, as far as is known";
  limiter.Pause(seconds(30));
  time_.Run(io_);
  EXPECT_EQ(Waited(late), seconds(7));
  EXPECT_EQ(ErrorReason(late.status()), reason::kProviderLimitReached);
}

TEST_F(LimiterTest, WhatWasNotUsedIsGivenBackAndMoreIsCharged) {
  Limiter limiter({.tokens_per_minute = 6000}, time_);
  const Asking& frugal = Ask(limiter, {.expected = {3000, 3000}, .takes = seconds(1), .used = {3000, 1000}});
  const Asking& next = Ask(limiter, {.expected = {1000, 1000}, .takes = seconds(1), .used = {2000, 2000}});
  const Asking& after = Ask(limiter, {.expected = {100, 0}, .used = {100, 0}});
  time_.Run(io_);
  EXPECT_EQ(Waited(frugal), seconds(0));
  EXPECT_EQ(Waited(next), seconds(1)) << "2000 came back, and 100 had come";
  // 100 were left for it at once.
  EXPECT_EQ(Waited(after), seconds(1));
  const TimePoint then = time_.Now();
  const Asking& debtor = Ask(limiter, {.expected = {100, 0}});
  time_.Run(io_);
  EXPECT_GT(*debtor.at() - then, seconds(10)) << "the second call used 2000 more than it had reserved";
}

TEST_F(LimiterTest, ALargerRequestThanTheLimitPassesWhenAllIsThere) {
  Limiter limiter({.tokens_per_minute = 600}, time_);
  Ask(limiter, {.expected = {300, 0}, .used = {300, 0}});
  const Asking& huge = Ask(limiter, {.expected = {6000, 0}, .used = {6000, 0}});
  const Asking& next = Ask(limiter, {.tenant = "b", .expected = {10, 0}, .used = {10, 0}});
  time_.Run(io_);
  EXPECT_TRUE(huge.status().ok());
  EXPECT_GT(Waited(next), minutes(9)) << "it left a debt";
  EXPECT_GE(Waited(huge), seconds(30));
  EXPECT_LE(Waited(huge), seconds(32));
}

TEST_F(LimiterTest, ProbesWithFewAndDoublesWithEachSuccess) {
  Limiter limiter({.first_in_flight = 4, .probe_step = std::chrono::hours(1)}, time_);
  for (int i = 0; i < 20; ++i) Ask(limiter, {.takes = seconds(1)});
  RunReady(io_);
  EXPECT_EQ(limiter.waiting(), 16u);
  limiter.Observe(std::nullopt);
  RunReady(io_);
  EXPECT_EQ(limiter.waiting(), 12u);
  limiter.ObserveRefusal(std::nullopt);
  time_.AdvanceTo(begin_ + seconds(1));
  RunReady(io_);
  EXPECT_EQ(limiter.waiting(), 8u) << "a refusal halves it";
  time_.Run(io_);
  EXPECT_EQ(limiter.waiting(), 0u);
}

TEST_F(LimiterTest, ProbesWiderWhileAnswersTakeTheirTime) {
  Limiter limiter({.first_in_flight = 4, .probe_step = milliseconds(50)}, time_);
  for (int i = 0; i < 100; ++i) Ask(limiter, {.takes = minutes(1)});
  RunReady(io_);
  EXPECT_EQ(limiter.waiting(), 96u);
  time_.AdvanceTo(begin_ + milliseconds(50));
  RunReady(io_);
  EXPECT_EQ(limiter.waiting(), 92u);
  time_.Run(io_);
  for (const Asking& asking : all_) EXPECT_LE(*asking.at(), begin_ + milliseconds(300));
}

TEST_F(LimiterTest, TimeAloneLetsNoMoreGoThanHaveAConnection) {
  Limiter limiter({.first_in_flight = 4, .probe_step = milliseconds(50), .connections = 10}, time_);
  for (int i = 0; i < 20; ++i) Ask(limiter, {.takes = minutes(1)});
  RunReady(io_);
  time_.AdvanceTo(begin_ + milliseconds(50));
  RunReady(io_);
  time_.AdvanceTo(begin_ + seconds(59));
  RunReady(io_);
  EXPECT_EQ(limiter.waiting(), 10u);
  limiter.Observe(std::nullopt);
  RunReady(io_);
  EXPECT_EQ(limiter.waiting(), 0u) << "a success that names no limit does";
  time_.Run(io_);
}

TEST_F(LimiterTest, WhoWaitsForASlowProviderUntilTheDeadlineIsNotToldOfLimits) {
  Limiter limiter({.first_in_flight = 2, .connections = 2}, time_);
  for (int i = 0; i < 2; ++i) Ask(limiter, {.takes = minutes(1)});
  const Asking& late = Ask(limiter, {.deadline = begin_ + seconds(5)});
  time_.Run(io_);
  EXPECT_EQ(Waited(late), seconds(5));
  EXPECT_EQ(ErrorReason(late.status()), reason::kDeadlineExceeded);
  EXPECT_EQ(ErrorMetadata(late.status(), "where"), "queue");
}

TEST_F(LimiterTest, DoesNotProbeWiderOnceItWasRefused) {
  Limiter limiter({.first_in_flight = 4, .probe_step = milliseconds(50)}, time_);
  for (int i = 0; i < 5; ++i) Ask(limiter, {.takes = minutes(1)});
  RunReady(io_);
  limiter.ObserveRefusal(std::nullopt);
  time_.AdvanceTo(begin_ + seconds(59));
  RunReady(io_);
  EXPECT_EQ(limiter.waiting(), 1u);
  time_.Run(io_);
  EXPECT_EQ(limiter.waiting(), 0u);
}

TEST_F(LimiterTest, LearnsFromHeaders) {
  Limiter limiter({.first_in_flight = 4, .probe_step = std::chrono::hours(1)}, time_);
  for (int i = 0; i < 12; ++i) Ask(limiter, {.takes = seconds(100)});
  RunReady(io_);
  ASSERT_EQ(limiter.waiting(), 8u);
  // Four are in flight and not counted there, perhaps.
  limiter.Observe(lm::RateLimits{.requests = {.limit = 60, .remaining = 6, .reset = seconds(54)}});
  RunReady(io_);
  EXPECT_EQ(limiter.waiting(), 6u);
  time_.AdvanceTo(begin_ + seconds(3));
  RunReady(io_);
  EXPECT_EQ(limiter.waiting(), 3u) << "one a second";
  limiter.Observe(lm::RateLimits{.requests = {.limit = 60, .remaining = 40, .reset = seconds(20)}});
  RunReady(io_);
  EXPECT_EQ(limiter.waiting(), 3u) << "what is in flight is not in what remains";
  limiter.Observe(lm::RateLimits{.requests = {.limit = 600, .remaining = 500}});
  time_.AdvanceTo(begin_ + milliseconds(3300));
  RunReady(io_);
  EXPECT_EQ(limiter.waiting(), 0u) << "the account was given more";
  time_.Run(io_);
}

TEST_F(LimiterTest, WhatAProviderHasCountedIsNotTakenOffAgain) {
  Limiter limiter({.first_in_flight = 0}, time_);
  std::vector<Limiter::Grant> grants;
  for (int i = 0; i < 40; ++i) grants.push_back(*limiter.TryAcquire({}));
  // The answer to the 30th: 30 of 60 are counted, and ten more are on their way.
  const Amounts taken = grants[29].taken();
  limiter.Settle(std::move(grants[29]), {});
  limiter.Observe(lm::RateLimits{.requests = {.limit = 60, .remaining = 30}}, taken);
  for (int i = 0; i < 30; ++i) Ask(limiter, {});
  RunReady(io_);
  EXPECT_EQ(limiter.waiting(), 10u);
  time_.Run(io_);
}

TEST_F(LimiterTest, HeadersLowerWhatIsConfiguredButDoNotRaiseIt) {
  Limiter limiter({.requests_per_minute = 60}, time_);
  limiter.Observe(lm::RateLimits{.requests = {.limit = 6000, .remaining = 5999}});
  for (int i = 0; i < 61; ++i) Ask(limiter, {});
  RunReady(io_);
  EXPECT_EQ(limiter.waiting(), 1u);
  time_.Run(io_);
  time_.Advance(minutes(2));
  limiter.Observe(lm::RateLimits{.requests = {.limit = 6, .remaining = 2}});
  for (int i = 0; i < 3; ++i) Ask(limiter, {});
  RunReady(io_);
  EXPECT_EQ(limiter.waiting(), 1u);
  time_.Run(io_);
}

TEST_F(LimiterTest, AnthropicsLimitsOnOutput) {
  Limiter limiter({.first_in_flight = 4, .probe_step = std::chrono::hours(1)}, time_);
  limiter.Observe(lm::RateLimits{.output_tokens = {.limit = 6000, .remaining = 100}});
  const Asking& brief = Ask(limiter, {.expected = {50'000, 100}, .used = {50'000, 100}});
  const Asking& verbose = Ask(limiter, {.expected = {10, 1000}, .used = {10, 1000}});
  time_.Run(io_);
  EXPECT_EQ(Waited(brief), seconds(0));
  EXPECT_EQ(Waited(verbose), seconds(10));
}

TEST_F(LimiterTest, APauseIsForAll) {
  Limiter limiter({.requests_per_minute = 6000}, time_);
  limiter.Pause(seconds(5));
  limiter.Pause(seconds(2));
  Ask(limiter, {});
  Ask(limiter, {.tenant = "b"});
  const Asking& hasty = Ask(limiter, {.deadline = begin_ + seconds(4)});
  time_.Run(io_);
  EXPECT_EQ(Waited(all_[0]), seconds(5));
  EXPECT_EQ(Waited(all_[1]), seconds(5));
  EXPECT_EQ(Waited(hasty), seconds(0));
  EXPECT_EQ(ErrorMetadata(hasty.status(), "limit"), "paused");
}

TEST_F(LimiterTest, CancellationLeavesTheQueue) {
  Limiter limiter({.requests_per_minute = 60}, time_);
  for (int i = 0; i < 60; ++i) Ask(limiter, {});
  Asking& first = Ask(limiter, {});
  const Asking& second = Ask(limiter, {});
  RunReady(io_);
  first.Cancel();
  RunReady(io_);
  EXPECT_EQ(first.status().code(), absl::StatusCode::kCancelled);
  EXPECT_EQ(limiter.waiting(), 1u);
  time_.Run(io_);
  EXPECT_EQ(Waited(second), seconds(1)) << "it has the place of the first";
}

TEST_F(LimiterTest, TheQueueIsBounded) {
  Limiter limiter({.requests_per_minute = 60, .max_waiting = 3}, time_);
  for (int i = 0; i < 64; ++i) Ask(limiter, {});
  RunReady(io_);
  EXPECT_EQ(limiter.waiting(), 3u);
  EXPECT_EQ(ErrorMetadata(all_[63].status(), "limit"), "queue");
  EXPECT_TRUE(ErrorRetryDelay(all_[63].status()).has_value());
  time_.Run(io_);
}

TEST_F(LimiterTest, AGrantThatWasNotUsedGivesAllBack) {
  Limiter limiter({.requests_per_minute = 1}, time_);
  bool asked = false;
  asio::co_spawn(
      io_,
      [](Limiter& l, bool& done) -> asio::awaitable<void> {
        for (int i = 0; i < 3; ++i) {
          absl::StatusOr<Limiter::Grant> grant = co_await l.Acquire("a", {}, kNoDeadline);
          EXPECT_TRUE(grant.ok());
        }
        done = true;
      }(limiter, asked),
      [](const std::exception_ptr&) {});
  RunReady(io_);
  EXPECT_TRUE(asked);
}

TEST_F(LimiterTest, WhateverHappensNoneIsLostAndNoMoreGoThanMay) {
  const auto seed = std::random_device()();
  SCOPED_TRACE(testing::Message() << "seed " << seed);
  std::mt19937_64 random(seed);
  Limiter limiter({.requests_per_minute = 300, .tokens_per_minute = 30'000}, time_);
  const auto tokens = [&random] { return static_cast<long long>(random() % 300); };
  for (int i = 0; i < 2000; ++i) {
    const Limiter::Tokens used{tokens(), tokens()};
    Ask(limiter, {.tenant = std::string(1, static_cast<char>('a' + random() % 5)),
                  .expected = {used.input, used.output + tokens()},
                  .deadline = random() % 3 == 0 ? kNoDeadline : time_.Now() + milliseconds(random() % 100'000),
                  .takes = milliseconds(random() % 3000),
                  .used = used});
    if (random() % 10 == 0) all_[random() % all_.size()].Cancel();
    if (random() % 50 == 0) limiter.Pause(milliseconds(random() % 2000));
    time_.Advance(milliseconds(random() % 100));
    RunReady(io_);
  }
  time_.Run(io_);
  EXPECT_EQ(limiter.waiting(), 0u);
  std::vector<TimePoint> went;
  for (const Asking& asking : all_) {
    ASSERT_TRUE(asking.at().has_value());
    if (asking.status().ok()) went.push_back(*asking.at());
  }
  std::sort(went.begin(), went.end());
  // A bucket of 300 that gains 5 a second.
  for (std::size_t i = 600; i < went.size(); ++i) EXPECT_GE(went[i] - went[i - 600], seconds(59));
}

}  // namespace
}  // namespace dspex
