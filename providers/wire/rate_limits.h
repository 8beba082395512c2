#pragma once

#include <absl/time/time.h>

#include <optional>

#include "engine/lm/rate_limits.h"
#include "providers/http/response.h"

namespace dspex::wire {

/// What the headers of a response say of the provider's limits: OpenAI's x-ratelimit-{limit,remaining,reset}-{requests,
/// tokens}, whose reset is a duration such as "12ms" or "6m0s", or Anthropic's anthropic-ratelimit-{requests,tokens,
/// input-tokens,output-tokens}-{limit,remaining,reset}, whose reset is a time (RFC 3339). Nothing if they name none;
/// what does not parse counts as not said.
std::optional<lm::RateLimits> RateLimitsOf(const http::Headers& headers, absl::Time now);

}  // namespace dspex::wire
