#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <vector>

namespace dspex::lm {

/// A token and the logarithm of how likely the model held it.
struct ScoredToken {
  std::string token;
  double logprob = 0;
  /// The token's own bytes, which may be a part of a character; nothing where the provider does not tell.
  std::optional<std::string> bytes = {};

  bool operator==(const ScoredToken&) const = default;
};

/// A token of a completion, and what might have stood in its place, the likeliest first.
struct TokenLogprob {
  ScoredToken chosen;
  std::vector<ScoredToken> top = {};

  bool operator==(const TokenLogprob&) const = default;
};

/// What they take in memory, roughly.
std::size_t SizeOf(const std::vector<TokenLogprob>& logprobs);

}  // namespace dspex::lm
