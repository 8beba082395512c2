#include "tests/mock_llm/rate_limit.h"

#include <absl/strings/str_cat.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>
#include <string>

#include "tests/mock_llm/mock_test.h"
#include "tests/mock_llm/test_client.h"

namespace dspex::mock_llm {
namespace {

using nlohmann::json;
using testing::Contains;
using testing::MatchesRegex;
using testing::Pair;

const absl::Time kStart = absl::FromUnixSeconds(1'000'000'000);  // 2001-09-09T01:46:40Z

TEST(RateLimiterTest, LetsInWhatAMinuteHoldsAndThenWhatRefills) {
  RateLimiter limiter({.requests = 600, .tokens = {}, .input_tokens = {}, .output_tokens = {}});
  int let_in = 0;
  for (int i = 0; i < 1000; ++i) let_in += limiter.Take({10, 10}, kStart).has_value() ? 0 : 1;
  EXPECT_EQ(let_in, 600);
  EXPECT_EQ(limiter.Take({10, 10}, kStart), absl::Milliseconds(100));
  EXPECT_EQ(limiter.Take({10, 10}, kStart + absl::Milliseconds(100)), std::nullopt);
  EXPECT_NE(limiter.Take({10, 10}, kStart + absl::Milliseconds(150)), std::nullopt);
  EXPECT_EQ(limiter.Take({10, 10}, kStart + absl::Milliseconds(200)), std::nullopt);
}

TEST(RateLimiterTest, OutputIsChargedButNotAskedFor) {
  RateLimiter limiter({.requests = {}, .tokens = 60, .input_tokens = {}, .output_tokens = {}});
  EXPECT_EQ(limiter.Take({10, 80}, kStart), std::nullopt);
  EXPECT_EQ(limiter.Take({10, 0}, kStart), absl::Seconds(40)) << "30 of debt and 10 of its own";
  EXPECT_EQ(limiter.Take({10, 0}, kStart + absl::Seconds(40)), std::nullopt);
}

TEST(RateLimiterTest, TellsItsStateInEachProvidersHeaders) {
  RateLimiter limiter({.requests = 60, .tokens = 6000, .input_tokens = {}, .output_tokens = {}});
  limiter.Take({50, 50}, kStart);
  const Headers openai = limiter.HeadersOf(Face::kChat, kStart);
  EXPECT_THAT(openai, Contains(Pair("x-ratelimit-limit-requests", "60")));
  EXPECT_THAT(openai, Contains(Pair("x-ratelimit-remaining-requests", "59")));
  EXPECT_THAT(openai, Contains(Pair("x-ratelimit-reset-requests", "1s")));
  EXPECT_THAT(openai, Contains(Pair("x-ratelimit-remaining-tokens", "5900")));
  const Headers anthropic = limiter.HeadersOf(Face::kMessages, kStart);
  EXPECT_THAT(anthropic, Contains(Pair("anthropic-ratelimit-requests-limit", "60")));
  EXPECT_THAT(anthropic, Contains(Pair("anthropic-ratelimit-tokens-remaining", "5900")));
  EXPECT_THAT(anthropic, Contains(Pair("anthropic-ratelimit-requests-reset", "2001-09-09T01:46:41Z")));
}

TEST(RateLimiterTest, WritesDurationsAsOpenAiDoes) {
  EXPECT_EQ(FormatReset(absl::ZeroDuration()), "0ms");
  EXPECT_EQ(FormatReset(absl::Microseconds(11'100)), "12ms");
  EXPECT_EQ(FormatReset(absl::Seconds(1)), "1s");
  EXPECT_EQ(FormatReset(absl::Milliseconds(1'050)), "1.050s");
  EXPECT_EQ(FormatReset(absl::Seconds(62)), "1m2s");
  EXPECT_EQ(FormatReset(absl::Hours(1)), "1h0m0s");
}

class RateLimitTest : public MockLlmTest {};

TEST_F(RateLimitTest, AScriptLimitsAllOnTheTestsClock) {
  Script({{"rules", {{{"reply", {{"content", "once"}}}, {"times", 1}}}}, {"rate_limit", {{"requests_per_minute", 1}}}});
  Control("POST", "/_mock/clock?advance_ms=0");
  const ClientResponse first = Ask();
  EXPECT_EQ(first.status, 200);
  EXPECT_EQ(first.headers.at("x-ratelimit-remaining-requests"), "0");
  EXPECT_EQ(first.headers.at("x-ratelimit-reset-requests"), "1m0s");
  Control("POST", "/_mock/clock?advance_ms=59500");
  const ClientResponse second = Ask();
  EXPECT_EQ(second.status, 429);
  EXPECT_EQ(second.headers.at("retry-after"), "1");
  EXPECT_EQ(second.headers.at("retry-after-ms"), "500");
  EXPECT_EQ(json::parse(second.body)["error"]["code"], "rate_limit_exceeded");
  Control("POST", "/_mock/clock?advance_ms=500");
  EXPECT_EQ(Answer(), "mock");
}

TEST_F(RateLimitTest, AnswersComeAfterTheirLatencyOnTheTestsClock) {
  Script({{{"latency", {{"fixed_ms", 3'600'000}}}}});
  Control("POST", "/_mock/clock?advance_ms=0");
  TestClient client(port_);
  const std::string body = Body("hello");
  client.Send(absl::StrCat("POST /v1/chat/completions HTTP/1.1\r\nContent-Length: ", body.size(), "\r\n\r\n", body));
  Wait("in_flight", 1);
  Control("POST", "/_mock/clock?advance_ms=3599999");
  Wait("in_flight", 1);
  EXPECT_EQ(client.Receive(0).error, "timeout");
  Control("POST", "/_mock/clock?advance_ms=1");
  EXPECT_EQ(client.Receive().status, 200);
}

TEST_F(RateLimitTest, ARuleHasALimitOfItsOwnAndARefusalUsesUpNoRule) {
  Script({{{"match", {{"contains", "limited"}}},
           {"reply", {{"contents", {"a", "b"}}, {"usage", {{"prompt_tokens", 6}, {"completion_tokens", 54}}}}},
           {"rate_limit", {{"tokens_per_minute", 60}}}}});
  Control("POST", "/_mock/clock?advance_ms=0");
  EXPECT_EQ(Answer("limited"), "a");
  EXPECT_EQ(Ask("limited").status, 429);
  EXPECT_EQ(Ask("free").headers.count("x-ratelimit-limit-tokens"), 0);
  Control("POST", "/_mock/clock?advance_ms=60000");
  EXPECT_EQ(Answer("limited"), "b");
}

TEST_F(RateLimitTest, AnthropicsHeadersComeWithItsAnswers) {
  Script({{"rate_limit", {{"requests_per_minute", 1}, {"output_tokens_per_minute", 100}}}});
  const std::string body = R"({"model": "m", "max_tokens": 9, "messages": [{"role": "user", "content": "x"}]})";
  const std::string headers = "x-api-key: k\r\nanthropic-version: 2023-06-01\r\n";
  const ClientResponse first = TestClient(port_).Call("POST", "/v1/messages", body, headers);
  EXPECT_EQ(first.status, 200);
  EXPECT_EQ(first.headers.at("anthropic-ratelimit-output-tokens-limit"), "100");
  EXPECT_THAT(first.headers.at("anthropic-ratelimit-requests-reset"), MatchesRegex("....-..-..T..:..:..Z"));
  const ClientResponse second = TestClient(port_).Call("POST", "/v1/messages", body, headers);
  EXPECT_EQ(second.status, 429);
  EXPECT_EQ(json::parse(second.body)["error"]["type"], "rate_limit_error");
  EXPECT_EQ(second.headers.count("retry-after-ms"), 0);
}

TEST_F(RateLimitTest, BadLimitsAreRefused) {
  for (const char* script :
       {R"({"rate_limit": {"requests": 1}})", R"({"rate_limit": {"requests_per_minute": 0}})",
        R"([{"rate_limit": {"tokens_per_minute": "1"}}])", R"({"limits": {}})", R"({"rules": 1})"}) {
    EXPECT_EQ(TestClient(port_).Call("PUT", "/_mock/script", script).status, 400) << script;
  }
}

}  // namespace
}  // namespace dspex::mock_llm
