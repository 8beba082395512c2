#include "engine/lm/error_rate_limits.h"

#include <gtest/gtest.h>

#include "engine/base/error.h"
#include "engine/base/reasons.h"

namespace dspex::lm {
namespace {

TEST(ErrorRateLimitsTest, WhatIsAddedIsTakenOut) {
  const absl::Status plain = Error(absl::StatusCode::kResourceExhausted, reason::kProviderRateLimited, "Slow down.");
  const RateLimits limits = {.requests = {.limit = 60, .reset = std::chrono::seconds(1)}, .tokens = {.remaining = 0}};
  absl::Status error = WithRateLimits(plain, limits);
  EXPECT_EQ(ErrorReason(error), reason::kProviderRateLimited);
  EXPECT_NE(error, plain);
  EXPECT_EQ(TakeRateLimits(error), limits);
  EXPECT_EQ(error, plain);
  EXPECT_EQ(TakeRateLimits(error), std::nullopt);
}

}  // namespace
}  // namespace dspex::lm
