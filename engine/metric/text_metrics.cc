#include "engine/metric/text_metrics.h"

#include <absl/strings/str_cat.h>

#include <algorithm>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "dspex/v1/metric.pb.h"
#include "engine/json/utf8.h"
#include "engine/metric/find_text.h"
#include "engine/metric/passage_match.h"
#include "engine/metric/plain_metric.h"
#include "engine/metric/word_overlap.h"

namespace dspex {

namespace {

constexpr std::size_t kShownBytes = 200;

// What is said of a prediction that is not as expected.
std::string Wanted(absl::string_view name, absl::string_view relation, absl::string_view expected,
                   std::size_t alternatives) {
  std::string text = absl::StrCat("'", name, "' ", relation, " \"", Shorten(expected, kShownBytes), "\"");
  if (alternatives > 1) absl::StrAppend(&text, " or one of ", alternatives - 1, " more");
  return text;
}

// A text against one or several expected ones.
class OverlapMetric final : public PlainMetric {
 public:
  // The F1 from which on a text counts as the expected one; 1: they must be equal; none: the F1 is the score.
  OverlapMetric(absl::string_view kind, ComparedFields fields, std::optional<double> fraction)
      : kind_(kind), fields_(std::move(fields)), fraction_(fraction) {}

 private:
  absl::StatusOr<Score> Compute(const Scored& scored) const override {
    const auto text = OutputText(kind_, scored, fields_.output);
    if (!text.ok()) return text.status();
    const auto expected = ExpectedTexts(kind_, scored, fields_.expected);
    if (!expected.ok()) return expected.status();
    if (expected->empty()) {
      return MetricFailed(kind_, absl::StrCat("The example's '", fields_.expected,
                                              "' is an empty list. Give at least one text."))
          .With("field", fields_.expected);
    }
    const double value = Value(*text, *expected);
    if (value == 1) return Score{1, ""};
    return Score{value, Wanted(fields_.output, "should be", expected->front(), expected->size())};
  }

  double Value(absl::string_view text, const std::vector<absl::string_view>& expected) const {
    if (!fraction_.has_value()) return WordF1(text, expected);
    return (*fraction_ >= 1 ? ExactlyMatches(text, expected) : WordF1(text, expected) >= *fraction_) ? 1 : 0;
  }

  const absl::string_view kind_;
  const ComparedFields fields_;
  const std::optional<double> fraction_;
};

class PassageMetric final : public PlainMetric {
 public:
  explicit PassageMetric(ComparedFields fields) : fields_(std::move(fields)) {}

 private:
  static constexpr absl::string_view kKind = "passage_match";

  absl::StatusOr<Score> Compute(const Scored& scored) const override {
    const auto passages = Passages(scored);
    if (!passages.ok()) return passages.status();
    const auto answers = ExpectedTexts(kKind, scored, fields_.expected);
    if (!answers.ok()) return answers.status();
    if (AnyPassageHasAnswer(*passages, *answers)) return Score{1, ""};
    const absl::string_view first = answers->empty() ? "" : answers->front();
    return Score{0, Wanted(fields_.output, "has no passage with", first, answers->size())};
  }

  absl::StatusOr<std::vector<absl::string_view>> Passages(const Scored& scored) const {
    const auto value = FindOutput(kKind, scored, fields_.output);
    if (!value.ok()) return value.status();
    const Json& list = **value;
    std::vector<absl::string_view> passages;
    if (list.is_array() && std::all_of(list.begin(), list.end(), [](const Json& item) { return item.is_string(); })) {
      for (const Json& item : list) passages.emplace_back(item.get_ref<const std::string&>());
      return passages;
    }
    return MetricFailed(kKind, absl::StrCat("The prediction's '", fields_.output, "' is ", KindOf(list),
                                            " and no list of texts. Name the output that holds the passages."))
        .With("field", fields_.output);
  }

  const ComparedFields fields_;
};

class ContainsMetric final : public PlainMetric {
 public:
  ContainsMetric(ComparedFields fields, bool case_sensitive)
      : fields_(std::move(fields)), case_sensitive_(case_sensitive) {}

 private:
  static constexpr absl::string_view kKind = "contains";

  absl::StatusOr<Score> Compute(const Scored& scored) const override {
    const auto text = OutputText(kKind, scored, fields_.output);
    if (!text.ok()) return text.status();
    const auto expected = ExpectedTexts(kKind, scored, fields_.expected);
    if (!expected.ok()) return expected.status();
    const std::string folded = Folded(*text);
    for (const absl::string_view part : *expected) {
      if (!HasText(folded, Folded(part))) return Score{0, Wanted(fields_.output, "should contain", part, 1)};
    }
    return Score{1, ""};
  }

  std::string Folded(absl::string_view text) const { return case_sensitive_ ? std::string(text) : FoldCase(text); }

  const ComparedFields fields_;
  const bool case_sensitive_;
};

}  // namespace

absl::StatusOr<std::shared_ptr<const Metric>> MakeExactMatch(const v1::ExactMatch& definition,
                                                             const MetricEnvironment& environment) {
  auto fields = ReadComparedFields(definition.field(), definition.expected(), "answer", environment.outputs);
  if (!fields.ok()) return fields.status();
  const double fraction = definition.fraction();
  if (!(fraction >= 0 && fraction <= 1)) {
    return InvalidMetric("fraction", absl::StrCat("is ", fraction, ". Give a number from 0 to 1."));
  }
  return std::make_shared<OverlapMetric>("exact_match", *std::move(fields), fraction == 0 ? 1 : fraction);
}

absl::StatusOr<std::shared_ptr<const Metric>> MakePassageMatch(const v1::PassageMatch& definition,
                                                               const MetricEnvironment& environment) {
  const std::string& expected = definition.expected().empty() ? "answer" : definition.expected();
  auto fields = ReadComparedFields(definition.field().empty() ? "context" : definition.field(), expected, "context",
                                   environment.outputs);
  if (!fields.ok()) return fields.status();
  return std::make_shared<PassageMetric>(*std::move(fields));
}

absl::StatusOr<std::shared_ptr<const Metric>> MakeF1(const v1::F1& definition, const MetricEnvironment& environment) {
  auto fields = ReadComparedFields(definition.field(), definition.expected(), "answer", environment.outputs);
  if (!fields.ok()) return fields.status();
  return std::make_shared<OverlapMetric>("f1", *std::move(fields), std::nullopt);
}

absl::StatusOr<std::shared_ptr<const Metric>> MakeContains(const v1::Contains& definition,
                                                           const MetricEnvironment& environment) {
  auto fields = ReadComparedFields(definition.field(), definition.expected(), "answer", environment.outputs);
  if (!fields.ok()) return fields.status();
  return std::make_shared<ContainsMetric>(*std::move(fields), definition.case_sensitive());
}

}  // namespace dspex
