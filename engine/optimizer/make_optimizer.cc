#include <absl/strings/str_cat.h>

#include <cmath>
#include <utility>

#include "dspex/v1/job.pb.h"
#include "engine/base/error.h"
#include "engine/base/reasons.h"
#include "engine/optimizer/bootstrap_few_shot.h"
#include "engine/optimizer/copro.h"
#include "engine/optimizer/labeled_few_shot.h"
#include "engine/optimizer/optimizer.h"
#include "engine/optimizer/random_search.h"

namespace dspex {

namespace {

// A module takes no more demos.
constexpr int kMaxDemos = 1000;
constexpr int kMaxRounds = 100;
constexpr int kMaxCandidates = 1000;
// A Predict gives no more completions.
constexpr int kMaxBreadth = 64;
constexpr int kMaxDepth = 100;

using Made = absl::StatusOr<std::unique_ptr<Optimizer>>;

// Reads the settings of one optimizer, and keeps what is wrong with the first that is wrong.
class Reader {
 public:
  explicit Reader(absl::string_view optimizer) : optimizer_(optimizer) {}

  int Number(absl::string_view name, int value, int low, int high) {
    if (value < low || value > high) {
      Refuse(name, absl::StrCat("is ", value), absl::StrCat("Give a number from ", low, " to ", high, "."));
    }
    return value;
  }

  double Finite(absl::string_view name, double value) {
    if (!std::isfinite(value)) Refuse(name, "is not finite", "Give a finite number.");
    return value;
  }

  double Temperature(absl::string_view name, double value) {
    if (!(value >= 0 && value <= 2)) Refuse(name, absl::StrCat("is ", value), "Give a number from 0 to 2.");
    return value;
  }

  const absl::Status& status() const { return status_; }

 private:
  void Refuse(absl::string_view name, absl::string_view problem, absl::string_view advice) {
    if (!status_.ok()) return;
    const std::string field = absl::StrCat(optimizer_, ".", name);
    status_ = Error(absl::StatusCode::kInvalidArgument, reason::kInvalidRequest,
                    absl::StrCat(field, " ", problem, ". ", advice))
                  .Violation(field, problem);
  }

  const absl::string_view optimizer_;
  absl::Status status_;
};

CommonSettings ReadCommon(const v1::CompileSpec& spec) {
  CommonSettings common;
  common.frozen.assign(spec.frozen().begin(), spec.frozen().end());
  if (spec.settings().max_errors() != 0) common.max_errors = spec.settings().max_errors();
  return common;
}

// Of BootstrapFewShot and of the search over it.
template <typename Proto>
BootstrapSettings ReadBootstrap(const Proto& proto, int fewest_bootstrapped, Reader& read) {
  BootstrapSettings settings;
  if (proto.has_max_bootstrapped_demos()) settings.max_bootstrapped_demos = proto.max_bootstrapped_demos();
  if (proto.has_max_labeled_demos()) settings.max_labeled_demos = proto.max_labeled_demos();
  if (proto.max_rounds() != 0) settings.max_rounds = proto.max_rounds();
  settings.metric_threshold = proto.metric_threshold();
  read.Number("max_bootstrapped_demos", settings.max_bootstrapped_demos, fewest_bootstrapped, kMaxDemos);
  read.Number("max_labeled_demos", settings.max_labeled_demos, 0, kMaxDemos);
  read.Number("max_rounds", settings.max_rounds, 1, kMaxRounds);
  read.Finite("metric_threshold", settings.metric_threshold);
  return settings;
}

Made Make(const v1::LabeledFewShot& proto, CommonSettings common) {
  Reader read("labeled_few_shot");
  LabeledFewShotSettings settings{.common = std::move(common), .in_order = proto.in_order()};
  if (proto.k() != 0) settings.k = read.Number("k", proto.k(), 1, kMaxDemos);
  if (!read.status().ok()) return read.status();
  return MakeLabeledFewShot(std::move(settings));
}

Made Make(const v1::BootstrapFewShot& proto, CommonSettings common) {
  Reader read("bootstrap_few_shot");
  BootstrapFewShotSettings settings{.common = std::move(common), .bootstrap = ReadBootstrap(proto, 0, read)};
  if (!read.status().ok()) return read.status();
  return MakeBootstrapFewShot(std::move(settings));
}

Made Make(const v1::BootstrapFewShotWithRandomSearch& proto, CommonSettings common) {
  Reader read("bootstrap_few_shot_with_random_search");
  RandomSearchSettings settings{.common = std::move(common), .bootstrap = ReadBootstrap(proto, 1, read)};
  if (proto.has_num_candidate_programs()) {
    settings.num_candidate_programs =
        read.Number("num_candidate_programs", proto.num_candidate_programs(), 0, kMaxCandidates);
  }
  if (proto.has_stop_at_score()) settings.stop_at_score = read.Finite("stop_at_score", proto.stop_at_score());
  if (!read.status().ok()) return read.status();
  return MakeRandomSearch(std::move(settings));
}

Made Make(const v1::Copro& proto, CommonSettings common) {
  Reader read("copro");
  CoproSettings settings{.common = std::move(common)};
  if (proto.breadth() != 0) settings.breadth = read.Number("breadth", proto.breadth(), 2, kMaxBreadth);
  if (proto.depth() != 0) settings.depth = read.Number("depth", proto.depth(), 1, kMaxDepth);
  if (proto.has_init_temperature()) {
    settings.init_temperature = read.Temperature("init_temperature", proto.init_temperature());
  }
  if (!read.status().ok()) return read.status();
  return MakeCopro(std::move(settings));
}

}  // namespace

Made MakeOptimizer(const v1::CompileSpec& spec) {
  CommonSettings common = ReadCommon(spec);
  switch (spec.optimizer_case()) {
    case v1::CompileSpec::kLabeledFewShot:
      return Make(spec.labeled_few_shot(), std::move(common));
    case v1::CompileSpec::kBootstrapFewShot:
      return Make(spec.bootstrap_few_shot(), std::move(common));
    case v1::CompileSpec::kBootstrapFewShotWithRandomSearch:
      return Make(spec.bootstrap_few_shot_with_random_search(), std::move(common));
    case v1::CompileSpec::kCopro:
      return Make(spec.copro(), std::move(common));
    case v1::CompileSpec::OPTIMIZER_NOT_SET:
      break;
  }
  return Error(absl::StatusCode::kInvalidArgument, reason::kInvalidRequest,
               "The spec does not say which optimizer is to run. Set one, for example bootstrap_few_shot.")
      .Violation("optimizer", "is missing");
}

}  // namespace dspex
