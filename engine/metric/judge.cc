#include "engine/metric/judge.h"

#include <absl/strings/str_cat.h>
#include <absl/strings/str_join.h>
#include <absl/strings/strip.h>

#include <algorithm>
#include <nlohmann/json.hpp>
#include <string>
#include <utility>
#include <vector>

#include "dspex/v1/metric.pb.h"
#include "engine/base/error.h"
#include "engine/metric/judge_module.h"
#include "engine/metric/plain_metric.h"
#include "engine/program/struct_json.h"

namespace dspex {

namespace {

constexpr absl::string_view kKind = "judge";

// Where an input of the judge comes from.
struct Source {
  std::string input;
  std::string field;
  bool from_prediction = false;
};

absl::StatusOr<Source> ReadSource(const std::string& input, const std::vector<std::string>& outputs) {
  const auto has = [&outputs](absl::string_view name) {
    return std::find(outputs.begin(), outputs.end(), name) != outputs.end();
  };
  absl::string_view field = input;
  if (has(input)) return Source{input, input, true};
  if (absl::ConsumePrefix(&field, "example_")) return Source{input, std::string(field), false};
  if (!absl::ConsumePrefix(&field, "prediction_")) return Source{input, input, false};
  if (has(field)) return Source{input, std::string(field), true};
  return InvalidMetric(
      "module", absl::StrCat("has the input '", input, "', but '", field,
                             "' is no output of the program. Its outputs are ", absl::StrJoin(outputs, ", "), "."));
}

class JudgeMetric final : public Metric {
 public:
  JudgeMetric(std::unique_ptr<const Module> module, std::vector<Source> sources, std::string score,
              std::string feedback)
      : module_(std::move(module)),
        sources_(std::move(sources)),
        score_(std::move(score)),
        feedback_(std::move(feedback)) {}

  Task<Score> Evaluate(RequestContext context, const Scored& scored) const override {
    Json inputs = Json::object();
    for (const Source& source : sources_) {
      const auto value =
          source.from_prediction ? FindOutput(kKind, scored, source.field) : FindExpected(kKind, scored, source.field);
      if (!value.ok()) co_return value.status();
      inputs[source.input] = **value;
    }
    const absl::StatusOr<Prediction> judgement = co_await RunJudge(context, *module_, std::move(inputs));
    if (!judgement.ok()) co_return judgement.status();
    const absl::StatusOr<double> value = JudgedNumber(kKind, *judgement, score_);
    if (!value.ok()) co_return value.status();
    co_return FiniteScore(kKind, *value, Feedback(*judgement));
  }

 private:
  std::string Feedback(const Prediction& judgement) const {
    const auto found = judgement.outputs.find(feedback_);
    if (found == judgement.outputs.end() || found->is_null()) return "";
    return found->is_string() ? found->get<std::string>() : JsonText(*found);
  }

  const std::unique_ptr<const Module> module_;
  const std::vector<Source> sources_;
  const std::string score_;
  // Empty: there is none.
  const std::string feedback_;
};

absl::Status CheckScore(const Signature& signature, const std::string& name) {
  const Field* field = signature.FindOutput(name);
  if (field == nullptr) {
    return InvalidMetric("score", absl::StrCat("names the judge's score, but its module has no output '", name,
                                               "'. Name one that is a number or a bool."));
  }
  if (field->type.kind != Type::Kind::kStr) return absl::OkStatus();
  return InvalidMetric("score", absl::StrCat("names '", name, "', which is a text. Declare it as a number or a bool, ",
                                             "for example: ", name, ": float"));
}

}  // namespace

absl::StatusOr<std::shared_ptr<const Metric>> MakeJudge(const v1::Judge& definition,
                                                        const MetricEnvironment& environment) {
  v1::Module named = definition.module();
  if (named.id().empty()) named.set_id("judge");
  auto module = BuildJudgeModule(named, environment);
  if (!module.ok()) return module.status();
  const Signature& signature = (*module)->signature();

  std::string score = definition.score().empty() ? "score" : definition.score();
  if (absl::Status status = CheckScore(signature, score); !status.ok()) return status;
  std::string feedback = definition.feedback();
  if (!feedback.empty() && signature.FindOutput(feedback) == nullptr) {
    return InvalidMetric("feedback", absl::StrCat("is '", feedback, "', which is no output of the judge's module."));
  }
  if (feedback.empty() && signature.FindOutput("feedback") != nullptr) feedback = "feedback";

  std::vector<Source> sources;
  for (const Field& input : signature.inputs()) {
    absl::StatusOr<Source> source = ReadSource(input.name, environment.outputs);
    if (!source.ok()) return source.status();
    sources.push_back(*std::move(source));
  }
  return std::make_shared<JudgeMetric>(*std::move(module), std::move(sources), std::move(score), std::move(feedback));
}

}  // namespace dspex
