#include "tests/mock_llm/rate_limit.h"

#include <absl/strings/str_cat.h>
#include <absl/strings/str_format.h>

#include <algorithm>
#include <cmath>
#include <ctime>

namespace dspex::mock_llm {
namespace {

std::string Rfc3339(absl::Time time) {
  const std::time_t seconds = absl::ToTimeT(time);
  std::tm utc{};
  gmtime_r(&seconds, &utc);
  return absl::StrFormat("%04d-%02d-%02dT%02d:%02d:%02dZ", utc.tm_year + 1900, utc.tm_mon + 1, utc.tm_mday, utc.tm_hour,
                         utc.tm_min, utc.tm_sec);
}

}  // namespace

RateLimiter::RateLimiter(const RateLimits& limits) {
  const auto add = [&](const char* name, const std::optional<double>& limit, double input, double output) {
    if (limit.has_value()) buckets_.push_back({name, *limit, input, output, *limit});
  };
  add("requests", limits.requests, 0, 0);
  add("tokens", limits.tokens, 1, 1);
  add("input-tokens", limits.input_tokens, 1, 0);
  add("output-tokens", limits.output_tokens, 0, 1);
}

void RateLimiter::Fill(absl::Time now) {
  const double minutes = absl::ToDoubleMinutes(now - filled_.value_or(now));
  filled_ = now;
  for (Bucket& bucket : buckets_) bucket.level = std::min(bucket.limit, bucket.level + minutes * bucket.limit);
}

std::optional<absl::Duration> RateLimiter::Take(const Counts& counts, absl::Time now) {
  Fill(now);
  const auto input = static_cast<double>(counts.input);
  const auto output = static_cast<double>(counts.output);
  double wait = 0;  // In minutes.
  for (const Bucket& bucket : buckets_) {
    const double needed = bucket.name == "requests" ? 1 : std::max(1.0, input * bucket.input);
    // Time is counted in nanoseconds, so a bucket that was waited for may lack a millionth.
    if (bucket.level + 1e-6 < needed) wait = std::max(wait, (needed - bucket.level) / bucket.limit);
  }
  if (wait > 0) return absl::Minutes(wait);
  for (Bucket& bucket : buckets_) {
    bucket.level -= bucket.name == "requests" ? 1 : input * bucket.input + output * bucket.output;
  }
  return std::nullopt;
}

Headers RateLimiter::HeadersOf(Face face, absl::Time now) {
  Fill(now);
  Headers headers;
  for (const Bucket& bucket : buckets_) {
    const absl::Duration reset = absl::Minutes((bucket.limit - bucket.level) / bucket.limit);
    const std::string limit = absl::StrFormat("%.0f", bucket.limit);
    const std::string remaining = absl::StrFormat("%.0f", std::max(0.0, std::floor(bucket.level + 1e-6)));
    if (face == Face::kMessages) {
      const std::string prefix = absl::StrCat("anthropic-ratelimit-", bucket.name, "-");
      const std::string at = Rfc3339(now + absl::Ceil(reset, absl::Seconds(1)));
      headers.insert(headers.end(),
                     {{prefix + "limit", limit}, {prefix + "remaining", remaining}, {prefix + "reset", at}});
    } else {
      headers.insert(headers.end(), {{absl::StrCat("x-ratelimit-limit-", bucket.name), limit},
                                     {absl::StrCat("x-ratelimit-remaining-", bucket.name), remaining},
                                     {absl::StrCat("x-ratelimit-reset-", bucket.name), FormatReset(reset)}});
    }
  }
  return headers;
}

std::string FormatReset(absl::Duration duration) {
  int64_t ms = absl::ToInt64Milliseconds(absl::Ceil(duration, absl::Milliseconds(1)));
  if (ms < 1000) return absl::StrCat(ms, "ms");
  std::string text;
  if (ms >= 3'600'000) absl::StrAppend(&text, ms / 3'600'000, "h");
  if (ms >= 60'000) absl::StrAppend(&text, ms / 60'000 % 60, "m");
  ms %= 60'000;
  absl::StrAppend(&text, ms / 1000);
  if (ms % 1000 != 0) absl::StrAppendFormat(&text, ".%03d", ms % 1000);
  return absl::StrCat(text, "s");
}

}  // namespace dspex::mock_llm
