#include "providers/wire/rate_limits.h"

#include <absl/strings/numbers.h>
#include <absl/strings/str_cat.h>

#include <algorithm>

namespace dspex::wire {

namespace {

// Nobody's limits are longer than a month's; more would only overflow.
constexpr absl::Duration kMaxReset = absl::Hours(24 * 31);

std::optional<long long> Count(absl::string_view text) {
  long long count = 0;
  if (!absl::SimpleAtoi(text, &count) || count < 0) return std::nullopt;
  return count;
}

std::optional<Clock::duration> Reset(absl::string_view text, absl::Time now) {
  absl::Duration duration;
  absl::Time time;
  double seconds = 0;
  if (absl::ParseDuration(text, &duration)) {
  } else if (absl::ParseTime(absl::RFC3339_full, text, &time, nullptr)) {
    duration = time - now;
  } else if (absl::SimpleAtod(text, &seconds) && seconds >= 0) {
    // Servers that imitate OpenAI often leave out the unit.
    duration = absl::Seconds(seconds);
  } else {
    return std::nullopt;
  }
  return absl::ToChronoNanoseconds(std::clamp(duration, absl::ZeroDuration(), kMaxReset));
}

lm::RateLimit OpenAiLimit(const http::Headers& headers, absl::string_view what, absl::Time now) {
  return {.limit = Count(headers.Get(absl::StrCat("x-ratelimit-limit-", what))),
          .remaining = Count(headers.Get(absl::StrCat("x-ratelimit-remaining-", what))),
          .reset = Reset(headers.Get(absl::StrCat("x-ratelimit-reset-", what)), now)};
}

lm::RateLimit AnthropicLimit(const http::Headers& headers, absl::string_view what, absl::Time now) {
  const std::string head = absl::StrCat("anthropic-ratelimit-", what);
  return {.limit = Count(headers.Get(absl::StrCat(head, "-limit"))),
          .remaining = Count(headers.Get(absl::StrCat(head, "-remaining"))),
          .reset = Reset(headers.Get(absl::StrCat(head, "-reset")), now)};
}

}  // namespace

std::optional<lm::RateLimits> RateLimitsOf(const http::Headers& headers, absl::Time now) {
  lm::RateLimits limits{.requests = OpenAiLimit(headers, "requests", now),
                        .tokens = OpenAiLimit(headers, "tokens", now)};
  if (!limits.known()) {
    limits = {.requests = AnthropicLimit(headers, "requests", now),
              .tokens = AnthropicLimit(headers, "tokens", now),
              .input_tokens = AnthropicLimit(headers, "input-tokens", now),
              .output_tokens = AnthropicLimit(headers, "output-tokens", now)};
  }
  if (!limits.known()) return std::nullopt;
  return limits;
}

}  // namespace dspex::wire
