#include "engine/lm/error_rate_limits.h"

#include <absl/strings/cord.h>
#include <absl/strings/string_view.h>

#include <cstring>
#include <string>
#include <type_traits>

namespace dspex::lm {

namespace {

constexpr char kType[] = "dspex/rate_limits";

// Its bytes never leave the process.
static_assert(std::is_trivially_copyable_v<RateLimits>);

}  // namespace

absl::Status WithRateLimits(absl::Status error, const RateLimits& limits) {
  char bytes[sizeof(RateLimits)];
  std::memcpy(bytes, &limits, sizeof(bytes));
  error.SetPayload(kType, absl::Cord(absl::string_view(bytes, sizeof(bytes))));
  return error;
}

std::optional<RateLimits> TakeRateLimits(absl::Status& error) {
  const auto payload = error.GetPayload(kType);
  if (!payload.has_value()) return std::nullopt;
  const std::string bytes(*payload);
  RateLimits limits;
  std::memcpy(&limits, bytes.data(), sizeof(limits));
  error.ErasePayload(kType);
  return limits;
}

}  // namespace dspex::lm
