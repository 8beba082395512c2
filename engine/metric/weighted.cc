#include "engine/metric/weighted.h"

#include <absl/strings/str_cat.h>

#include <utility>

#include "engine/metric/plain_metric.h"

namespace dspex {

namespace {

class WeightedMetric final : public Metric {
 public:
  explicit WeightedMetric(std::vector<WeightedPart> parts) : parts_(std::move(parts)) {
    for (const WeightedPart& part : parts_) total_ += part.weight;
  }

  Task<Score> Evaluate(RequestContext context, const Scored& scored) const override {
    double sum = 0;
    std::string feedback;
    for (const WeightedPart& part : parts_) {
      const absl::StatusOr<Score> score = co_await part.metric->Evaluate(context, scored);
      if (!score.ok()) co_return score.status();
      sum += part.weight * score->value;
      absl::StrAppend(&feedback, feedback.empty() ? "" : "\n", part.name, " ", score->value);
      if (!score->feedback.empty()) absl::StrAppend(&feedback, ": ", score->feedback);
    }
    co_return FiniteScore("weighted", sum / total_, std::move(feedback));
  }

 private:
  const std::vector<WeightedPart> parts_;
  double total_ = 0;
};

}  // namespace

std::shared_ptr<const Metric> NewWeightedMetric(std::vector<WeightedPart> parts) {
  return std::make_shared<WeightedMetric>(std::move(parts));
}

}  // namespace dspex
