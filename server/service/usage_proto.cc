#include "server/service/usage_proto.h"

namespace dspex {

void WriteUsage(const Usage& usage, v1::Usage& proto) {
  proto.set_input_tokens(usage.input_tokens);
  proto.set_output_tokens(usage.output_tokens);
  proto.set_lm_calls(usage.lm_calls);
  if (usage.cost > Money()) proto.set_cost(usage.cost.ToString());
  proto.set_cached_input_tokens(usage.cached_input_tokens);
  proto.set_cache_write_tokens(usage.cache_write_tokens);
  proto.set_reasoning_tokens(usage.reasoning_tokens);
  proto.set_estimated(usage.estimated);
}

Usage ReadUsage(const v1::Usage& proto) {
  Usage usage;
  usage.input_tokens = proto.input_tokens();
  usage.output_tokens = proto.output_tokens();
  usage.lm_calls = proto.lm_calls();
  usage.cost = Money::Parse(proto.cost()).value_or(Money());
  usage.cached_input_tokens = proto.cached_input_tokens();
  usage.cache_write_tokens = proto.cache_write_tokens();
  usage.reasoning_tokens = proto.reasoning_tokens();
  usage.estimated = proto.estimated();
  return usage;
}

}  // namespace dspex
