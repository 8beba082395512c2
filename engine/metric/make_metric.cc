#include "engine/metric/make_metric.h"

#include <absl/strings/str_cat.h>

#include <cmath>
#include <utility>

#include "dspex/v1/metric.pb.h"
#include "engine/base/error.h"
#include "engine/metric/judge.h"
#include "engine/metric/lua_metric.h"
#include "engine/metric/plain_metric.h"
#include "engine/metric/text_metrics.h"
#include "engine/metric/value_metrics.h"
#include "engine/metric/weighted.h"

namespace dspex {

namespace {

constexpr int kMaxDepth = 8;
// A definition may have few levels and still be large.
constexpr int kMaxMetrics = 64;
constexpr double kMaxWeight = 1e6;

using Made = absl::StatusOr<std::shared_ptr<const Metric>>;

class ThresholdMetric final : public Metric {
 public:
  ThresholdMetric(std::shared_ptr<const Metric> metric, double threshold)
      : metric_(std::move(metric)), threshold_(threshold) {}

  Task<Score> Evaluate(RequestContext context, const Scored& scored) const override {
    absl::StatusOr<Score> score = co_await metric_->Evaluate(context, scored);
    if (score.ok()) score->value = score->value >= threshold_ ? 1 : 0;
    co_return score;
  }

 private:
  const std::shared_ptr<const Metric> metric_;
  const double threshold_;
};

// Makes a metric and those within it.
class Maker {
 public:
  explicit Maker(const MetricEnvironment& environment) : environment_(environment) {}

  Made Make(const v1::Metric& definition, int depth) {
    if (++metrics_ > kMaxMetrics) {
      return InvalidMetric("metrics", absl::StrCat("are more than ", kMaxMetrics, ". Give fewer."));
    }
    Made made = MakeKind(definition, depth);
    if (!made.ok() || !definition.has_threshold()) return made;
    if (!std::isfinite(definition.threshold())) return InvalidMetric("threshold", "is no finite number.");
    return std::make_shared<ThresholdMetric>(*std::move(made), definition.threshold());
  }

 private:
  Made MakeKind(const v1::Metric& definition, int depth) {
    switch (definition.kind_case()) {
      case v1::Metric::kExactMatch:
        return Within("exact_match", MakeExactMatch(definition.exact_match(), environment_));
      case v1::Metric::kPassageMatch:
        return Within("passage_match", MakePassageMatch(definition.passage_match(), environment_));
      case v1::Metric::kF1:
        return Within("f1", MakeF1(definition.f1(), environment_));
      case v1::Metric::kContains:
        return Within("contains", MakeContains(definition.contains(), environment_));
      case v1::Metric::kNumeric:
        return Within("numeric", MakeNumeric(definition.numeric(), environment_));
      case v1::Metric::kJsonEquality:
        return Within("json_equality", MakeJsonEquality(definition.json_equality(), environment_));
      case v1::Metric::kSemanticF1:
        return Within("semantic_f1", MakeSemanticF1(definition.semantic_f1(), environment_));
      case v1::Metric::kJudge:
        return Within("judge", MakeJudge(definition.judge(), environment_));
      case v1::Metric::kLua:
        return Within("lua", MakeLuaMetric(definition.lua(), environment_));
      case v1::Metric::kWeighted:
        return Within("weighted", MakeWeighted(definition.weighted(), depth));
      case v1::Metric::KIND_NOT_SET:
        break;
    }
    return InvalidMetric("exact_match", "or another kind is to be set: the metric says nothing.");
  }

  static Made Within(absl::string_view kind, Made made) {
    if (made.ok()) return made;
    return WithFieldPrefix(made.status(), kind);
  }

  Made MakeWeighted(const v1::Weighted& definition, int depth) {
    if (depth >= kMaxDepth) return InvalidMetric("metrics", absl::StrCat("are nested over ", kMaxDepth, " levels."));
    if (definition.metrics().empty()) return InvalidMetric("metrics", "is empty. Give at least one metric.");
    std::vector<WeightedPart> parts;
    for (const v1::WeightedMetric& part : definition.metrics()) {
      const std::string path = absl::StrCat("metrics[", parts.size(), "]");
      Made made = Make(part.metric(), depth + 1);
      if (!made.ok()) return WithFieldPrefix(made.status(), absl::StrCat(path, ".metric"));
      const double weight = part.weight() == 0 ? 1 : part.weight();
      if (!(weight > 0 && weight <= kMaxWeight)) {
        return InvalidMetric(absl::StrCat(path, ".weight"),
                             absl::StrCat("is ", weight, ". Give a number above 0, to ", kMaxWeight, "."));
      }
      parts.push_back({NameOf(part), weight, *std::move(made)});
    }
    return NewWeightedMetric(std::move(parts));
  }

  static std::string NameOf(const v1::WeightedMetric& part) {
    if (!part.name().empty()) return part.name();
    return v1::Metric::descriptor()->FindFieldByNumber(part.metric().kind_case())->name();
  }

  const MetricEnvironment& environment_;
  int metrics_ = 0;
};

}  // namespace

absl::StatusOr<std::shared_ptr<const Metric>> MakeMetric(const v1::Metric& definition,
                                                         const MetricEnvironment& environment) {
  return Maker(environment).Make(definition, 0);
}

}  // namespace dspex
