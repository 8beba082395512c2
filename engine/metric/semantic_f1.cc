#include <absl/strings/str_cat.h>
#include <google/protobuf/repeated_field.h>

#include <algorithm>
#include <cmath>
#include <nlohmann/json.hpp>
#include <string>
#include <utility>
#include <vector>

#include "dspex/v1/metric.pb.h"
#include "engine/base/error.h"
#include "engine/base/reasons.h"
#include "engine/metric/judge.h"
#include "engine/metric/judge_module.h"
#include "engine/metric/plain_metric.h"

namespace dspex {

namespace {

constexpr absl::string_view kKind = "semantic_f1";
constexpr double kUsualThreshold = 0.66;

class SemanticF1Metric final : public Metric {
 public:
  SemanticF1Metric(std::unique_ptr<const Module> module, std::string question, ComparedFields fields, double threshold)
      : module_(std::move(module)), question_(std::move(question)), fields_(std::move(fields)), threshold_(threshold) {}

  Task<Score> Evaluate(RequestContext context, const Scored& scored) const override {
    const auto question = FindExpected(kKind, scored, question_);
    if (!question.ok()) co_return question.status();
    const auto truth = FindExpected(kKind, scored, fields_.expected);
    if (!truth.ok()) co_return truth.status();
    const auto response = FindOutput(kKind, scored, fields_.output);
    if (!response.ok()) co_return response.status();
    Json inputs{{"question", **question}, {"ground_truth", **truth}, {"system_response", **response}};

    const absl::StatusOr<Prediction> judgement = co_await RunJudge(context, *module_, std::move(inputs));
    if (!judgement.ok()) co_return judgement.status();
    absl::StatusOr<double> f1 = F1(*judgement);
    if (!f1.ok()) co_return f1.status();
    if (scored.trace != nullptr) *f1 = *f1 >= threshold_ ? 1 : 0;
    co_return Score{*f1, Feedback(*judgement)};
  }

 private:
  static absl::StatusOr<double> F1(const Prediction& judgement) {
    double shares[2] = {};
    const char* const names[2] = {"precision", "recall"};
    for (int i = 0; i < 2; ++i) {
      const absl::StatusOr<double> share = JudgedNumber(kKind, judgement, names[i]);
      if (!share.ok()) return share.status();
      if (std::isnan(*share)) return FiniteScore(kKind, *share, "").status();
      shares[i] = std::clamp(*share, 0.0, 1.0);
    }
    const auto [precision, recall] = shares;
    // In this order: the last bit is Python's.
    return precision + recall == 0 ? 0.0 : 2 * (precision * recall) / (precision + recall);
  }

  static std::string Feedback(const Prediction& judgement) {
    const auto reasoning = judgement.outputs.find("reasoning");
    return reasoning != judgement.outputs.end() && reasoning->is_string() ? reasoning->get<std::string>() : "";
  }

  const std::unique_ptr<const Module> module_;
  const std::string question_;
  const ComparedFields fields_;
  const double threshold_;
};

void AddField(const SignatureWording& wording, absl::string_view name, absl::string_view type,
              google::protobuf::RepeatedPtrField<v1::Field>& fields) {
  v1::Field& field = *fields.Add();
  field.set_name(std::string(name));
  field.set_type(std::string(type));
  const auto description = wording.descriptions.find(name);
  if (description != wording.descriptions.end()) field.set_description(description->second);
}

v1::Module JudgeOf(const SignatureWording& wording, bool decompositional) {
  v1::Module module;
  module.set_id(std::string(kKind));
  v1::Signature& signature = *module.mutable_chain_of_thought()->mutable_structured_signature();
  signature.set_instructions(wording.instructions);
  for (const char* name : {"question", "ground_truth", "system_response"}) {
    AddField(wording, name, "str", *signature.mutable_inputs());
  }
  if (decompositional) {
    for (const char* name : {"ground_truth_key_ideas", "system_response_key_ideas", "discussion"}) {
      AddField(wording, name, "str", *signature.mutable_outputs());
    }
  }
  for (const char* name : {"recall", "precision"}) AddField(wording, name, "float", *signature.mutable_outputs());
  return module;
}

absl::StatusOr<std::unique_ptr<const Module>> BuildJudge(bool decompositional, const MetricEnvironment& environment) {
  const auto phrasebook = FindJudgePhrasebook(environment);
  if (!phrasebook.ok()) return phrasebook.status();
  const absl::string_view name = decompositional ? "DecompositionalSemanticRecallPrecision" : "SemanticRecallPrecision";
  const auto wording = (*phrasebook)->signatures.find(name);
  if (wording == (*phrasebook)->signatures.end()) {
    return Error(absl::StatusCode::kFailedPrecondition, reason::kPhrasebookNotFound,
                 absl::StrCat("The phrasebook '", (*phrasebook)->book_name, "' has no wording for ", name,
                              ". Capture it anew under another name, or use another metric."))
        .With("phrasebook", environment.program->phrasebook());
  }
  return BuildJudgeModule(JudgeOf(wording->second, decompositional), environment);
}

}  // namespace

absl::StatusOr<std::shared_ptr<const Metric>> MakeSemanticF1(const v1::SemanticF1& definition,
                                                             const MetricEnvironment& environment) {
  const std::string& field = definition.field().empty() ? "response" : definition.field();
  auto fields = ReadComparedFields(field, definition.expected(), "response", environment.outputs);
  if (!fields.ok()) return fields.status();
  const double threshold = definition.threshold() == 0 ? kUsualThreshold : definition.threshold();
  if (!(threshold >= 0 && threshold <= 1)) {
    return InvalidMetric("threshold", absl::StrCat("is ", threshold, ". Give a number from 0 to 1."));
  }
  auto module = BuildJudge(definition.decompositional(), environment);
  if (!module.ok()) return module.status();
  return std::make_shared<SemanticF1Metric>(*std::move(module),
                                            definition.question().empty() ? "question" : definition.question(),
                                            *std::move(fields), threshold);
}

}  // namespace dspex
