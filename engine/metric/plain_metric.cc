#include "engine/metric/plain_metric.h"

#include <absl/strings/str_cat.h>
#include <absl/strings/str_join.h>

#include <algorithm>
#include <cmath>
#include <nlohmann/json.hpp>
#include <utility>

#include "engine/base/reasons.h"

namespace dspex {

namespace {

absl::StatusOr<const Json*> Find(absl::string_view metric, absl::string_view owner, const Json& object,
                                 const std::string& name) {
  const auto found = object.find(name);
  if (found != object.end()) return &*found;
  return MetricFailed(metric, absl::StrCat("The ", owner, " has no '", name,
                                           "'. Name another field in the metric, or correct the data."))
      .With("field", name);
}

Error WrongKind(absl::string_view metric, absl::string_view owner, const std::string& name, const Json& value,
                absl::string_view wanted) {
  return MetricFailed(metric, absl::StrCat("The ", owner, "'s '", name, "' is ", KindOf(value), ", and the metric ",
                                           "compares ", wanted, ". Use another metric, or correct the data."))
      .With("field", name);
}

}  // namespace

Task<Score> PlainMetric::Evaluate(RequestContext, const Scored& scored) const { co_return Compute(scored); }

absl::Status InvalidMetric(absl::string_view path, absl::string_view problem) {
  return Error(absl::StatusCode::kInvalidArgument, reason::kInvalidRequest, absl::StrCat(path, " ", problem))
      .Violation(path, problem);
}

Error MetricFailed(absl::string_view metric, absl::string_view message) {
  return Error(absl::StatusCode::kInvalidArgument, reason::kMetricFailed, message).With("metric", metric);
}

absl::StatusOr<Score> FiniteScore(absl::string_view metric, double value, std::string feedback) {
  if (std::isfinite(value)) return Score{value, std::move(feedback)};
  const absl::string_view came = std::isnan(value) ? "NaN" : "infinite";
  return MetricFailed(metric, absl::StrCat("The score is ", came, ". A score is a finite number or a bool."))
      .With("score", came);
}

absl::StatusOr<ComparedFields> ReadComparedFields(const std::string& field, const std::string& expected,
                                                  absl::string_view usual, const std::vector<std::string>& outputs) {
  ComparedFields fields{field, expected};
  if (field.empty()) {
    std::vector<std::string> answers;
    std::copy_if(outputs.begin(), outputs.end(), std::back_inserter(answers),
                 [](const std::string& output) { return output != "reasoning"; });
    const bool only = answers.size() == 1 && std::find(outputs.begin(), outputs.end(), usual) == outputs.end();
    fields.output = only ? answers.front() : std::string(usual);
  }
  if (std::find(outputs.begin(), outputs.end(), fields.output) == outputs.end()) {
    return InvalidMetric("field", absl::StrCat(field.empty() ? "is empty, and '" : "is '", fields.output,
                                               "' is no output of the program. Give one of its outputs: ",
                                               absl::StrJoin(outputs, ", "), "."));
  }
  if (expected.empty()) fields.expected = fields.output;
  return fields;
}

absl::StatusOr<const Json*> FindOutput(absl::string_view metric, const Scored& scored, const std::string& name) {
  return Find(metric, "prediction", scored.prediction.outputs, name);
}

absl::StatusOr<const Json*> FindExpected(absl::string_view metric, const Scored& scored, const std::string& name) {
  return Find(metric, "example", scored.example.fields, name);
}

absl::StatusOr<absl::string_view> OutputText(absl::string_view metric, const Scored& scored, const std::string& name) {
  const absl::StatusOr<const Json*> value = FindOutput(metric, scored, name);
  if (!value.ok()) return value.status();
  if (!(*value)->is_string()) return WrongKind(metric, "prediction", name, **value, "texts");
  return absl::string_view((*value)->get_ref<const std::string&>());
}

absl::StatusOr<std::vector<absl::string_view>> ExpectedTexts(absl::string_view metric, const Scored& scored,
                                                             const std::string& name) {
  const absl::StatusOr<const Json*> value = FindExpected(metric, scored, name);
  if (!value.ok()) return value.status();
  if ((*value)->is_string()) return std::vector<absl::string_view>{(*value)->get_ref<const std::string&>()};
  if (!(*value)->is_array()) return WrongKind(metric, "example", name, **value, "texts");
  std::vector<absl::string_view> texts;
  texts.reserve((*value)->size());
  for (const Json& item : **value) {
    if (!item.is_string()) return WrongKind(metric, "example", name, **value, "texts");
    texts.emplace_back(item.get_ref<const std::string&>());
  }
  return texts;
}

absl::string_view KindOf(const Json& value) {
  switch (value.type()) {
    case Json::value_t::null:
      return "null";
    case Json::value_t::boolean:
      return "a bool";
    case Json::value_t::string:
      return "a text";
    case Json::value_t::array:
      return "a list";
    case Json::value_t::object:
      return "an object";
    case Json::value_t::number_float:
      return std::isnan(value.get<double>()) ? "NaN" : std::isinf(value.get<double>()) ? "infinite" : "a number";
    default:
      return "a number";
  }
}

}  // namespace dspex
