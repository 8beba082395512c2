#include "providers/wire/errors.h"

#include <absl/strings/str_cat.h>
#include <gtest/gtest.h>

#include "engine/base/error.h"
#include "engine/base/reasons.h"
#include "engine/lm/error_rate_limits.h"
#include "google/rpc/error_details.pb.h"
#include "google/rpc/status.pb.h"
#include "providers/openai/decode.h"

namespace dspex::openai {
namespace {

using wire::ErrorSource;
using wire::ForDisplay;
using wire::RetryDelay;

const ErrorSource kSource{"openai", "gpt", "secret-key"};

http::Response MakeResponse(int status, absl::string_view body, absl::string_view content_type = "application/json") {
  http::Response response;
  response.status = status;
  response.headers.Append("Content-Type", content_type);
  response.headers.Append("x-request-id", "req_1");
  response.body = std::string(body);
  return response;
}

absl::Status Check(const http::Response& response) { return wire::CheckResponse(response, kSource, DecodeError); }

TEST(ErrorsTest, ARefusalHasTheLimitsThatItNames) {
  for (const auto& [status, told] : {std::pair(429, true), std::pair(503, false)}) {
    http::Response response = MakeResponse(status, "{}");
    response.headers.Append("x-ratelimit-limit-tokens", "600");
    response.headers.Append("x-ratelimit-remaining-tokens", "0");
    absl::Status error = Check(response);
    const std::optional<lm::RateLimits> limits = lm::TakeRateLimits(error);
    ASSERT_EQ(limits.has_value(), told) << status;
    if (told) EXPECT_EQ(*limits, (lm::RateLimits{.tokens = {.limit = 600, .remaining = 0}}));
  }
  absl::Status silent = Check(MakeResponse(429, "{}"));
  EXPECT_EQ(lm::TakeRateLimits(silent), std::nullopt);
}

TEST(ErrorsTest, ByStatus) {
  using absl::StatusCode;
  struct Case {
    int status;
    StatusCode code;
    absl::string_view reason;
  };
  for (const Case& expected : std::initializer_list<Case>{
           {401, StatusCode::kFailedPrecondition, reason::kProviderAuth},
           {402, StatusCode::kFailedPrecondition, reason::kProviderBilling},
           {403, StatusCode::kFailedPrecondition, reason::kProviderPermission},
           {429, StatusCode::kResourceExhausted, reason::kProviderRateLimited},
           {400, StatusCode::kInvalidArgument, reason::kProviderInvalidRequest},
           {422, StatusCode::kInvalidArgument, reason::kProviderInvalidRequest},
           {404, StatusCode::kFailedPrecondition, reason::kProviderInvalidRequest},
           {408, StatusCode::kUnavailable, reason::kProviderOverloaded},
           {500, StatusCode::kUnavailable, reason::kProviderOverloaded},
           {529, StatusCode::kUnavailable, reason::kProviderOverloaded},
           {302, StatusCode::kInternal, reason::kProviderMalformed},
       }) {
    const absl::Status status = Check(MakeResponse(expected.status, R"({"error":{"message":"why so"}})"));
    EXPECT_EQ(status.code(), expected.code) << status;
    EXPECT_EQ(ErrorReason(status), expected.reason) << status;
    EXPECT_EQ(ErrorMetadata(status, "http_status"), std::to_string(expected.status));
    EXPECT_EQ(ErrorMetadata(status, "provider"), "openai");
    EXPECT_EQ(ErrorMetadata(status, "model"), "gpt");
    EXPECT_EQ(ErrorMetadata(status, "provider_request_id"), "req_1");
    EXPECT_NE(status.message().find("why so"), absl::string_view::npos) << status;
  }
}

TEST(ErrorsTest, TheBodysWordSaysMoreThanTheStatus) {
  const auto reason_of = [](int status, absl::string_view code) {
    return ErrorReason(Check(MakeResponse(status, absl::StrCat(R"({"error":{"code":")", code, R"("}})"))));
  };
  EXPECT_EQ(reason_of(429, "insufficient_quota"), reason::kProviderBilling);
  EXPECT_EQ(reason_of(429, "rate_limit_exceeded"), reason::kProviderRateLimited);
  EXPECT_EQ(reason_of(400, "context_length_exceeded"), reason::kContextWindow);
  EXPECT_EQ(reason_of(400, "content_policy_violation"), reason::kContentFiltered);
  EXPECT_EQ(reason_of(400, "other"), reason::kProviderInvalidRequest);
}

TEST(ErrorsTest, SuccessMustBeJson) {
  EXPECT_TRUE(Check(MakeResponse(200, "{}")).ok());
  EXPECT_TRUE(Check(MakeResponse(200, "{}", "application/json; charset=utf-8")).ok());
  EXPECT_TRUE(Check(MakeResponse(200, "{}", "")).ok());
  const absl::Status status = Check(MakeResponse(200, "<html>", "text/html"));
  EXPECT_EQ(ErrorReason(status), reason::kProviderMalformed) << status;
}

TEST(ErrorsTest, RetryDelays) {
  const auto delay = [](absl::string_view name, absl::string_view value) {
    http::Headers headers;
    headers.Append(name, value);
    absl::Time now;
    EXPECT_TRUE(absl::ParseTime(absl::RFC3339_full, "2026-01-02T03:04:05Z", &now, nullptr));
    return RetryDelay(headers, now);
  };
  using std::chrono::milliseconds;
  EXPECT_EQ(delay("Retry-After", "7"), milliseconds(7000));
  EXPECT_EQ(delay("Retry-After", "0.25"), milliseconds(250));
  EXPECT_EQ(delay("retry-after-ms", "12"), milliseconds(12));
  EXPECT_EQ(delay("Retry-After", "Fri, 02 Jan 2026 03:04:15 GMT"), milliseconds(10000));
  EXPECT_EQ(delay("Retry-After", "Fri, 02 Jan 2026 03:04:00 GMT"), milliseconds(0));
  EXPECT_EQ(delay("Retry-After", "1e300"), std::chrono::hours(24));
  EXPECT_EQ(delay("Retry-After", "-5"), milliseconds(0));
  EXPECT_EQ(delay("Retry-After", "nan"), std::nullopt);
  EXPECT_EQ(delay("Retry-After", "soon"), std::nullopt);
  EXPECT_EQ(delay("X", "7"), std::nullopt);
}

TEST(ErrorsTest, RateLimitsCarryTheDelay) {
  http::Response response = MakeResponse(429, "");
  response.headers.Append("Retry-After", "2");
  const absl::Status status = Check(response);
  EXPECT_EQ(ErrorReason(status), reason::kProviderRateLimited) << status;
  const google::rpc::Status details = ToRpcStatus(status);
  google::rpc::RetryInfo retry;
  bool found = false;
  for (const auto& detail : details.details()) found = found || detail.UnpackTo(&retry);
  ASSERT_TRUE(found) << status;
  EXPECT_EQ(retry.retry_delay().seconds(), 2);
}

TEST(ErrorsTest, MessagesHoldNoKeys) {
  EXPECT_EQ(ForDisplay("Incorrect key: sk-proj-abc***xyz. See", ""), "Incorrect key: sk-*** See");
  EXPECT_EQ(ForDisplay("key secret-key is bad, risk-free", "secret-key"), "key *** is bad, risk-free");
  EXPECT_EQ(ForDisplay("two\nlines", ""), "two lines");
  std::string long_text;
  for (int i = 0; i < 200; ++i) long_text += "é";
  EXPECT_EQ(ForDisplay("x" + long_text, ""), "x" + long_text.substr(0, 298) + "...");
  const absl::Status status =
      Check(MakeResponse(401, R"({"error":{"message":"Incorrect API key provided: secret-key"}})"));
  EXPECT_EQ(status.message().find("secret-key"), absl::string_view::npos) << status;
  EXPECT_NE(status.message().find("OPENAI_API_KEY"), absl::string_view::npos) << status;
}

}  // namespace
}  // namespace dspex::openai
