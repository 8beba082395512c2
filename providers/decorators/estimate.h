#pragma once

#include <absl/status/status.h>

#include <cstddef>

#include "engine/lm/delta.h"
#include "engine/lm/language_model.h"

namespace dspex {

/// How many tokens a text of that many bytes is, roughly: what limits reserve and aborted calls are settled by.
constexpr long long EstimateTokens(std::size_t bytes) { return static_cast<long long>((bytes + 3) / 4); }

/// Tokens of a request. An image, a sound or a file that is no text counts as a flat number: its bytes say little.
long long EstimateInput(const lm::Request& request);

/// Tokens that an answer may have: the request's own limit, or what answers rarely exceed if it has none.
long long OutputLimit(const lm::Request& request);

/// Bytes of text in a piece of an answer.
std::size_t TextBytes(const lm::Delta& delta);

/// Tokens of an answer, for a provider that does not count them.
long long EstimateOutput(const lm::Response& response);

/// Whether a call that ended with `error` was given up while the provider may have been at work on it: cancelled, or
/// out of time with the request sent.
bool WasAborted(const absl::Status& error);

/// Whether the provider never saw the request of a call that ended with `error`.
bool WasNotSent(const absl::Status& error);

}  // namespace dspex
