#include "server/job/estimate.h"

#include <algorithm>
#include <nlohmann/json.hpp>

#include "engine/program/build_module.h"
#include "engine/state/program_predictors.h"
#include "providers/decorators/estimate.h"

namespace dspex {

namespace {

// So many examples stand for all.
constexpr std::int64_t kSample = 5;
// What an answer rarely exceeds.
constexpr std::int64_t kOutputTokens = 512;

int Or(int given, int otherwise) { return given == 0 ? otherwise : given; }

/// The mean size of the requests that need no answer of another one first.
Task<std::int64_t> RequestTokens(const Program& program, const Examples& examples) {
  std::int64_t tokens = 0;
  std::int64_t requests = 0;
  for (std::int64_t i = 0; i < std::min(kSample, examples.size()); ++i) {
    const absl::StatusOr<Example> example = co_await examples.Get(i);
    if (!example.ok()) co_return example.status();
    const Sampling none;
    const auto rendered = program.Render(InputsOf(*example, examples.input_keys()), none);
    if (!rendered.ok()) continue;
    for (const Program::Rendered& one : *rendered) {
      tokens += EstimateTokens(one.request.body.size());
      ++requests;
    }
  }
  co_return requests == 0 ? 0 : tokens / requests;
}

}  // namespace

std::set<std::string> ModelsOf(const v1::Program& program, const std::string& default_lm) {
  std::set<std::string> models;
  for (const v1::Module& module : program.modules()) {
    const std::string& lm = LmName(module, program, default_lm);
    if (!lm.empty()) models.insert(lm);
  }
  return models;
}

Task<PredictionEstimate> EstimatePrediction(const v1::Program& definition, const Program& program,
                                            const Examples& examples, const PriceTable& prices,
                                            const std::string& default_lm) {
  const absl::StatusOr<std::int64_t> tokens = co_await RequestTokens(program, examples);
  if (!tokens.ok()) co_return tokens.status();
  PredictionEstimate one;
  const int steps = std::max(definition.steps_size(), 1);
  for (int step = 0; step < steps; ++step) {
    const v1::Module* module = &definition.modules(0);
    for (const v1::Module& candidate : definition.modules()) {
      if (definition.steps_size() > 0 && candidate.id() == definition.steps(step).module()) module = &candidate;
    }
    const v1::LmOptions& options = PredictorOf(*module).options();
    const std::int64_t calls = options.has_n() ? options.n() : 1;
    Usage usage;
    usage.input_tokens = calls * *tokens;
    usage.output_tokens = calls * (options.has_max_tokens() ? options.max_tokens() : kOutputTokens);
    one.lm_calls += calls;
    one.input_tokens += usage.input_tokens;
    one.output_tokens += usage.output_tokens;
    const std::optional<Price> price = prices.Find(LmName(*module, definition, default_lm));
    if (!price.has_value()) {
      one.cost.reset();
    } else if (one.cost.has_value()) {
      *one.cost += CostOf(usage, *price);
    }
  }
  co_return one;
}

void AddEstimate(const PredictionEstimate& one, std::int64_t count, v1::Estimate& estimate) {
  const bool first = estimate.lm_calls() == 0;
  estimate.set_lm_calls(estimate.lm_calls() + one.lm_calls * count);
  estimate.set_input_tokens(estimate.input_tokens() + one.input_tokens * count);
  estimate.set_output_tokens(estimate.output_tokens() + one.output_tokens * count);
  if (!one.cost.has_value() || (estimate.cost().empty() && !first)) {
    estimate.clear_cost();
    return;
  }
  const Money before = Money::Parse(estimate.cost()).value_or(Money());
  estimate.set_cost((before + *one.cost * count).ToString());
}

int CandidatesOf(const v1::CompileSpec& spec) {
  switch (spec.optimizer_case()) {
    case v1::CompileSpec::kBootstrapFewShotWithRandomSearch: {
      const auto& search = spec.bootstrap_few_shot_with_random_search();
      return 3 + (search.has_num_candidate_programs() ? search.num_candidate_programs() : 16);
    }
    case v1::CompileSpec::kLabeledFewShot:
    case v1::CompileSpec::kBootstrapFewShot:
      return 1;
    default:
      return 0;
  }
}

std::int64_t PredictionsOf(const v1::CompileSpec& spec, int modules, std::int64_t train, std::int64_t val) {
  switch (spec.optimizer_case()) {
    case v1::CompileSpec::kBootstrapFewShot:
      return train * Or(spec.bootstrap_few_shot().max_rounds(), 1);
    case v1::CompileSpec::kBootstrapFewShotWithRandomSearch: {
      const std::int64_t candidates = CandidatesOf(spec);
      const std::int64_t rounds = Or(spec.bootstrap_few_shot_with_random_search().max_rounds(), 1);
      return candidates * val + std::max<std::int64_t>(0, candidates - 2) * train * rounds;
    }
    case v1::CompileSpec::kCopro: {
      const std::int64_t breadth = Or(spec.copro().breadth(), 10);
      const std::int64_t depth = Or(spec.copro().depth(), 3);
      // With several modules all proposals so far are measured again at each depth.
      const std::int64_t measured = modules > 1 ? breadth * depth * (depth + 1) / 2 : breadth * depth;
      return measured * modules * train;
    }
    default:
      return 0;
  }
}

}  // namespace dspex
