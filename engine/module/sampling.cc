#include "engine/module/sampling.h"

namespace dspex {

namespace {

template <typename T>
void Take(std::optional<T>& into, const std::optional<T>& change) {
  if (change.has_value()) into = change;
}

}  // namespace

Sampling Merge(Sampling base, const Sampling& changes) {
  const lm::Options& from = changes.options;
  lm::Options& into = base.options;
  Take(into.temperature, from.temperature);
  Take(into.top_p, from.top_p);
  Take(into.max_tokens, from.max_tokens);
  if (!from.stop.empty()) into.stop = from.stop;
  Take(into.seed, from.seed);
  Take(into.frequency_penalty, from.frequency_penalty);
  Take(into.presence_penalty, from.presence_penalty);
  Take(into.reasoning_effort, from.reasoning_effort);
  Take(into.store, from.store);
  Take(into.logprobs, from.logprobs);
  Take(into.top_logprobs, from.top_logprobs);
  Take(into.rollout_id, from.rollout_id);
  Take(base.n, changes.n);
  return base;
}

void SpreadTemperature(Sampling& sampling) {
  constexpr double kLow = 0.15;
  constexpr double kSpread = 0.7;
  if (sampling.completions() > 1 && sampling.options.temperature.value_or(0) <= kLow) {
    sampling.options.temperature = kSpread;
  }
}

}  // namespace dspex
