#include "engine/optimizer/random_search.h"

#include <absl/strings/str_cat.h>

#include <nlohmann/json.hpp>
#include <string>
#include <utility>
#include <vector>

#include "engine/optimizer/labeled_few_shot.h"
#include "engine/random/python_random.h"

namespace dspex {

namespace {

// DSPy's numbers for the candidates that no generator makes.
constexpr int kZeroShot = -3;
constexpr int kLabels = -2;
constexpr int kUnshuffled = -1;

std::string Origin(int seed) {
  switch (seed) {
    case kZeroShot:
      return "zero-shot";
    case kLabels:
      return "labels";
    case kUnshuffled:
      return "bootstrap";
    default:
      return absl::StrCat("bootstrap seed ", seed);
  }
}

class RandomSearch final : public Optimizer {
 public:
  explicit RandomSearch(RandomSearchSettings settings) : settings_(std::move(settings)) {}

  Task<OptimizerResult> Run(RequestContext context, const OptimizerPorts& ports) const override {
    absl::StatusOr<Optimization> run = Optimization::Start(ports, settings_.common);
    if (!run.ok()) co_return run.status();
    bool stopped_at_score = false;
    bool stopped_by_budget = false;
    for (int seed = kZeroShot; seed < settings_.num_candidate_programs && !stopped_at_score; ++seed) {
      const absl::StatusOr<double> score = co_await Try(context, *run, seed);
      stopped_by_budget = !score.ok() && run->EndsWith(score.status());
      if (stopped_by_budget) break;
      if (!score.ok()) co_return score.status();
      stopped_at_score = settings_.stop_at_score.has_value() && *score >= *settings_.stop_at_score;
    }
    OptimizerResult result = run->Finish(run->BestCandidate());
    result.stopped_at_score = stopped_at_score;
    result.stopped_by_budget = stopped_by_budget;
    co_return result;
  }

 private:
  // Makes a candidate and scores it.
  Task<double> Try(RequestContext context, Optimization& run, int seed) const {
    const std::string name =
        absl::StrCat("candidate ", run.next_candidate() + 1, " of ", settings_.num_candidate_programs - kZeroShot);
    run.Phase(absl::StrCat(name, ": ", Origin(seed)));
    absl::StatusOr<ProgramParameters> parameters = co_await Make(context, run, seed);
    if (!parameters.ok()) co_return parameters.status();
    run.Phase(absl::StrCat(name, ": score"));
    const int number = run.Add(Origin(seed), *std::move(parameters));
    co_return co_await run.Score(context, number);
  }

  Task<ProgramParameters> Make(RequestContext context, const Optimization& run, int seed) const {
    if (seed == kZeroShot) co_return run.ResetStudent();
    std::vector<std::int64_t> order = InOrder(run.ports().trainset->size());
    BootstrapSettings settings = settings_.bootstrap;
    if (seed == kLabels) {
      co_return co_await WithLabeledDemos(run, run.ResetStudent(), order, settings.max_labeled_demos, /*sample=*/true);
    }
    if (seed != kUnshuffled) {
      PythonRandom(seed).Shuffle(order);
      settings.max_bootstrapped_demos =
          static_cast<int>(PythonRandom(seed).RandInt(1, settings.max_bootstrapped_demos));
    }
    co_return co_await Bootstrap(context, run, settings, order);
  }

  const RandomSearchSettings settings_;
};

}  // namespace

std::unique_ptr<Optimizer> MakeRandomSearch(RandomSearchSettings settings) {
  return std::make_unique<RandomSearch>(std::move(settings));
}

}  // namespace dspex
