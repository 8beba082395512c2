#include "engine/optimizer/labeled_few_shot.h"

#include <absl/strings/str_cat.h>

#include <algorithm>
#include <nlohmann/json.hpp>
#include <utility>

#include "engine/random/python_random.h"

namespace dspex {

namespace {

class LabeledFewShot final : public Optimizer {
 public:
  explicit LabeledFewShot(LabeledFewShotSettings settings) : settings_(std::move(settings)) {}

  Task<OptimizerResult> Run(RequestContext /*context*/, const OptimizerPorts& ports) const override {
    absl::StatusOr<Optimization> run = Optimization::Start(ports, settings_.common);
    if (!run.ok()) co_return run.status();
    run->Phase("labels");
    const std::vector<std::int64_t> order = InOrder(ports.trainset->size());
    absl::StatusOr<ProgramParameters> parameters =
        co_await WithLabeledDemos(*run, run->ResetStudent(), order, settings_.k, !settings_.in_order);
    if (!parameters.ok()) co_return parameters.status();
    const int number = run->Add("labels", *std::move(parameters));
    co_return run->Finish(static_cast<std::size_t>(number));
  }

 private:
  const LabeledFewShotSettings settings_;
};

}  // namespace

Task<ProgramParameters> WithLabeledDemos(const Optimization& run, ProgramParameters parameters,
                                         const std::vector<std::int64_t>& order, int k, bool sample) {
  const std::size_t count = std::min(static_cast<std::size_t>(k), order.size());
  PythonRandom random(0);
  for (const std::size_t module : run.learnable()) {
    const std::vector<std::int64_t> chosen =
        sample ? random.Sample(order, count)
               : std::vector<std::int64_t>(order.begin(), order.begin() + static_cast<std::ptrdiff_t>(count));
    std::vector<Json>& demos = parameters[module].demos;
    demos.clear();
    for (const std::int64_t index : chosen) {
      absl::StatusOr<Example> example = co_await run.ports().trainset->Get(index);
      if (!example.ok()) co_return example.status();
      demos.push_back(std::move(example->fields));
    }
  }
  co_return parameters;
}

std::unique_ptr<Optimizer> MakeLabeledFewShot(LabeledFewShotSettings settings) {
  return std::make_unique<LabeledFewShot>(std::move(settings));
}

}  // namespace dspex
