#include "engine/module/logprobs_proto.h"

#include "dspex/v1/values.pb.h"

namespace dspex {

namespace {

// v1::TokenLogprob or v1::TopLogprob.
template <typename Message>
void Write(const lm::ScoredToken& token, Message& message) {
  message.set_token(token.token);
  message.set_logprob(token.logprob);
  if (token.bytes.has_value()) message.set_bytes(*token.bytes);
}

}  // namespace

void LogprobsToProto(const std::vector<lm::TokenLogprob>& logprobs, v1::Logprobs& proto) {
  proto.mutable_content()->Reserve(static_cast<int>(logprobs.size()));
  for (const lm::TokenLogprob& each : logprobs) {
    v1::TokenLogprob& added = *proto.add_content();
    Write(each.chosen, added);
    for (const lm::ScoredToken& other : each.top) Write(other, *added.add_top_logprobs());
  }
}

}  // namespace dspex
