#include "engine/module/chain_of_thought.h"

#include <nlohmann/json.hpp>
#include <utility>

#include "engine/module/reasoning_steps.h"

namespace dspex {

namespace {

constexpr absl::string_view kReasoning = "reasoning";

class ChainOfThought final : public Module {
 public:
  explicit ChainOfThought(std::unique_ptr<const Module> predict) : predict_(std::move(predict)) {}

  const std::string& id() const override { return predict_->id(); }
  const Signature& signature() const override { return predict_->signature(); }
  std::string lm_name() const override { return predict_->lm_name(); }

  Task<Prediction> Forward(RequestContext context, Json inputs, const Sampling& call) const override {
    absl::StatusOr<Prediction> prediction = co_await predict_->Forward(context, std::move(inputs), call);
    if (prediction.ok()) AddSteps(*prediction);
    co_return prediction;
  }

  absl::Status CheckInputs(const Signature& part, Json inputs) const override {
    return predict_->CheckInputs(part, std::move(inputs));
  }

  absl::StatusOr<lm::RenderedRequest> Render(Json inputs, const Sampling& call) const override {
    return predict_->Render(std::move(inputs), call);
  }

  absl::StatusOr<Prediction> Parse(absl::string_view completion) const override {
    absl::StatusOr<Prediction> prediction = predict_->Parse(completion);
    if (prediction.ok()) AddSteps(*prediction);
    return prediction;
  }

 private:
  static void AddSteps(Prediction& prediction) {
    const auto reasoning = prediction.outputs.find(kReasoning);
    if (reasoning == prediction.outputs.end() || !reasoning->is_string()) return;
    prediction.reasoning = ParseReasoning(reasoning->get_ref<const std::string&>());
  }

  const std::unique_ptr<const Module> predict_;
};

}  // namespace

absl::StatusOr<std::unique_ptr<const Module>> MakeChainOfThought(PredictSettings settings) {
  absl::StatusOr<std::unique_ptr<const Module>> predict = MakePredict(std::move(settings));
  if (!predict.ok()) return predict;
  return std::make_unique<const ChainOfThought>(*std::move(predict));
}

}  // namespace dspex
