#include "providers/wire/rate_limits.h"

#include <gtest/gtest.h>

namespace dspex::wire {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

http::Headers Make(const std::vector<std::pair<const char*, const char*>>& fields) {
  http::Headers headers;
  for (const auto& [name, value] : fields) headers.Append(name, value);
  return headers;
}

const absl::Time kNow = absl::FromUnixSeconds(1'790'000'000);

TEST(RateLimitsTest, ReadsOpenAis) {
  const auto limits = RateLimitsOf(Make({{"X-RateLimit-Limit-Requests", "500"},
                                         {"x-ratelimit-remaining-requests", "499"},
                                         {"x-ratelimit-reset-requests", "120ms"},
                                         {"x-ratelimit-limit-tokens", "30000"},
                                         {"x-ratelimit-remaining-tokens", "12000"},
                                         {"x-ratelimit-reset-tokens", "6m0s"}}),
                                   kNow);
  ASSERT_TRUE(limits.has_value());
  EXPECT_EQ(limits->requests, (lm::RateLimit{.limit = 500, .remaining = 499, .reset = milliseconds(120)}));
  EXPECT_EQ(limits->tokens, (lm::RateLimit{.limit = 30000, .remaining = 12000, .reset = seconds(360)}));
  EXPECT_FALSE(limits->input_tokens.known());
}

TEST(RateLimitsTest, ReadsAnthropics) {
  const auto limits = RateLimitsOf(Make({{"anthropic-ratelimit-requests-limit", "50"},
                                         {"anthropic-ratelimit-requests-remaining", "0"},
                                         {"anthropic-ratelimit-requests-reset", "2026-09-21T14:14:02Z"},
                                         {"anthropic-ratelimit-input-tokens-limit", "40000"},
                                         {"anthropic-ratelimit-output-tokens-remaining", "8000"}}),
                                   kNow);
  ASSERT_TRUE(limits.has_value());
  EXPECT_EQ(limits->requests, (lm::RateLimit{.limit = 50, .remaining = 0, .reset = seconds(42)}));
  EXPECT_EQ(limits->input_tokens.limit, 40000);
  EXPECT_EQ(limits->output_tokens.remaining, 8000);
  EXPECT_FALSE(limits->tokens.known());
}

TEST(RateLimitsTest, ATimeThatHasPassedIsNow) {
  const auto limits = RateLimitsOf(Make({{"anthropic-ratelimit-requests-limit", "50"},
                                         {"anthropic-ratelimit-requests-reset", "2001-01-01T00:00:00Z"}}),
                                   kNow);
  EXPECT_EQ(limits->requests.reset, seconds(0));
}

TEST(RateLimitsTest, WhatIsNotSaidOrMakesNoSenseIsNotKnown) {
  EXPECT_FALSE(RateLimitsOf(Make({{"content-type", "application/json"}}), kNow).has_value());
  EXPECT_FALSE(RateLimitsOf(Make({{"x-ratelimit-limit-requests", "many"},
                                  {"x-ratelimit-remaining-tokens", "-5"},
                                  {"x-ratelimit-reset-tokens", "6m0s"}}),
                            kNow)
                   .has_value());
  const auto limits =
      RateLimitsOf(Make({{"x-ratelimit-limit-requests", "5"}, {"x-ratelimit-reset-requests", "soon"}}), kNow);
  EXPECT_EQ(limits->requests, (lm::RateLimit{.limit = 5}));
}

TEST(RateLimitsTest, AResetIsBounded) {
  for (const char* reset : {"inf", "1e300", "99999999h"}) {
    const auto limits =
        RateLimitsOf(Make({{"x-ratelimit-limit-requests", "5"}, {"x-ratelimit-reset-requests", reset}}), kNow);
    EXPECT_LE(limits->requests.reset.value_or(seconds(0)), std::chrono::hours(24 * 31)) << reset;
  }
}

}  // namespace
}  // namespace dspex::wire
