#include "engine/lm/token_logprob.h"

namespace dspex::lm {

namespace {
std::size_t TextBytes(const ScoredToken& token) {
  return token.token.size() + (token.bytes.has_value() ? token.bytes->size() : 0);
}
}  // namespace

std::size_t SizeOf(const std::vector<TokenLogprob>& logprobs) {
  std::size_t bytes = logprobs.size() * sizeof(TokenLogprob);
  for (const TokenLogprob& each : logprobs) {
    bytes += TextBytes(each.chosen) + each.top.size() * sizeof(ScoredToken);
    for (const ScoredToken& other : each.top) bytes += TextBytes(other);
  }
  return bytes;
}

}  // namespace dspex::lm
