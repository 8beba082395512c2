#include "providers/decorators/routed.h"

#include <gtest/gtest.h>

#include <deque>
#include <random>

#include "engine/base/error.h"
#include "engine/base/reasons.h"
#include "providers/decorators/testing.h"

namespace dspex {
namespace {

using std::chrono::seconds;
using testing_support::Call;
using testing_support::RunReady;
using testing_support::ScriptedModel;
using testing_support::TextResponse;

class RoutedTest : public ::testing::Test {
 protected:
  VirtualTime time_;
  asio::io_context io_;
  std::shared_ptr<ScriptedModel> a_ = std::make_shared<ScriptedModel>(time_);
  std::shared_ptr<ScriptedModel> b_ = std::make_shared<ScriptedModel>(time_);
  double luck_ = 0;
  std::deque<Call> calls_;
};

TEST_F(RoutedTest, ByWeight) {
  a_->Then(TextResponse("x"));
  b_->Then(TextResponse("x"));
  const auto seed = std::random_device()();
  SCOPED_TRACE(testing::Message() << "seed " << seed);
  std::mt19937_64 random(seed);
  const auto model = NewRouted({{a_, 1}, {b_, 3}}, Routing::kWeighted,
                               [&random] { return std::uniform_real_distribution<double>()(random); });
  for (int i = 0; i < 2000; ++i) calls_.emplace_back(io_, *model);
  time_.Run(io_);
  // Four deviations.
  EXPECT_NEAR(static_cast<double>(a_->called_at.size()), 500, 80);
  EXPECT_EQ(a_->called_at.size() + b_->called_at.size(), 2000u);
}

TEST_F(RoutedTest, TheEdgesOfChance) {
  a_->Then(TextResponse("x"));
  b_->Then(TextResponse("x"));
  const auto model = NewRouted({{a_, 1}, {b_, 3}}, Routing::kWeighted, [this] { return luck_; });
  for (const double luck : {0.0, 0.2499, 0.25, 0.999999}) {
    luck_ = luck;
    calls_.emplace_back(io_, *model);
    RunReady(io_);
  }
  EXPECT_EQ(a_->called_at.size(), 2u);
  EXPECT_EQ(b_->called_at.size(), 2u);
}

TEST_F(RoutedTest, ToWhereTheFewestAreInFlight) {
  a_->ThenAfter(seconds(10), TextResponse("slow"));
  b_->ThenAfter(seconds(1), TextResponse("fast"));
  const auto model = NewRouted({{a_, 1}, {b_, 1}}, Routing::kLeastLoaded, [this] { return luck_; });
  for (int i = 0; i < 10; ++i) calls_.emplace_back(io_, *model);
  RunReady(io_);
  EXPECT_EQ(a_->called_at.size(), 5u);
  time_.Advance(seconds(1));
  RunReady(io_);
  for (int i = 0; i < 5; ++i) calls_.emplace_back(io_, *model);
  RunReady(io_);
  EXPECT_EQ(b_->called_at.size(), 10u) << "its five have ended";
  time_.Run(io_);
}

TEST_F(RoutedTest, ACancelledCallIsInFlightNoMore) {
  a_->ThenAfter(seconds(10), TextResponse("slow"));
  b_->ThenAfter(seconds(10), TextResponse("slow"));
  const auto model = NewRouted({{a_, 1}, {b_, 1}}, Routing::kLeastLoaded, [this] { return luck_; });
  Call first(io_, *model);
  Call second(io_, *model);
  RunReady(io_);
  second.Cancel();
  RunReady(io_);
  Call third(io_, *model);
  RunReady(io_);
  EXPECT_EQ(a_->called_at.size(), 1u);
  EXPECT_EQ(b_->called_at.size(), 2u);
  time_.Run(io_);
}

TEST_F(RoutedTest, AnEndpointThatIsNotAskedForAWhileIsPassedOver) {
  a_->Then(Error(absl::StatusCode::kUnavailable, reason::kProviderCircuitOpen, "Open."));
  b_->Then(TextResponse("x"));
  const auto model = NewRouted({{a_, 1}, {b_, 1}}, Routing::kWeighted, [this] { return luck_; });
  Call call(io_, *model);
  time_.Run(io_);
  EXPECT_TRUE(call.result().ok());
  b_->Then(Error(absl::StatusCode::kUnavailable, reason::kProviderCircuitOpen, "Open."));
  Call none(io_, *model);
  Call still_none(io_, *model);
  time_.Run(io_);
  EXPECT_EQ(ErrorReason(still_none.result().status()), reason::kProviderCircuitOpen);
}

TEST_F(RoutedTest, WhatFailsAtTheProviderIsNotSentTwice) {
  a_->Then(Error(absl::StatusCode::kUnavailable, reason::kProviderOverloaded, "Full."));
  b_->Then(TextResponse("x"));
  const auto model = NewRouted({{a_, 1}, {b_, 1}}, Routing::kWeighted, [this] { return luck_; });
  Call call(io_, *model);
  time_.Run(io_);
  EXPECT_EQ(ErrorReason(call.result().status()), reason::kProviderOverloaded);
  EXPECT_TRUE(b_->called_at.empty());
}

}  // namespace
}  // namespace dspex
