// What a provider may write into its headers about limits: whatever it is, what is read is not negative and bounded.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>

#include "providers/wire/rate_limits.h"

namespace {

void Check(const dspex::lm::RateLimit& limit) {
  if (limit.limit.value_or(0) < 0 || limit.remaining.value_or(0) < 0) std::abort();
  const auto reset = limit.reset.value_or(dspex::Clock::duration::zero());
  if (reset < dspex::Clock::duration::zero() || reset > std::chrono::hours(24 * 31)) std::abort();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  std::string value(reinterpret_cast<const char*>(data), size);
  std::erase_if(value, [](char c) { return c == '\r' || c == '\n'; });
  dspex::http::Headers openai;
  dspex::http::Headers anthropic;
  for (const char* field : {"limit", "remaining", "reset"}) {
    openai.Append(std::string("x-ratelimit-") + field + "-tokens", value);
    anthropic.Append(std::string("anthropic-ratelimit-requests-") + field, value);
  }
  const absl::Time now = absl::FromUnixSeconds(1'790'000'000);
  if (const auto limits = dspex::wire::RateLimitsOf(openai, now)) Check(limits->tokens);
  if (const auto limits = dspex::wire::RateLimitsOf(anthropic, now)) Check(limits->requests);
  return 0;
}
