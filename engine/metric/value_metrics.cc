#include "engine/metric/value_metrics.h"

#include <absl/strings/ascii.h>
#include <absl/strings/numbers.h>
#include <absl/strings/str_cat.h>
#include <absl/strings/str_join.h>

#include <algorithm>
#include <cmath>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "dspex/v1/metric.pb.h"
#include "engine/metric/json_equal.h"
#include "engine/metric/plain_metric.h"

namespace dspex {

namespace {

// A finite number, or a text that holds one and nothing else.
std::optional<double> NumberOf(const Json& value) {
  double number = 0;
  if (value.is_number()) {
    number = value.get<double>();
  } else if (!value.is_string() ||
             !absl::SimpleAtod(absl::StripAsciiWhitespace(value.get_ref<const std::string&>()), &number)) {
    return std::nullopt;
  }
  if (!std::isfinite(number)) return std::nullopt;
  return number;
}

class NumericMetric final : public PlainMetric {
 public:
  NumericMetric(ComparedFields fields, double absolute, double relative)
      : fields_(std::move(fields)), absolute_(absolute), relative_(relative) {}

 private:
  static constexpr absl::string_view kKind = "numeric";

  absl::StatusOr<Score> Compute(const Scored& scored) const override {
    const auto output = FindOutput(kKind, scored, fields_.output);
    if (!output.ok()) return output.status();
    const auto expected = FindExpected(kKind, scored, fields_.expected);
    if (!expected.ok()) return expected.status();
    const std::optional<double> wanted = NumberOf(**expected);
    if (!wanted.has_value()) {
      return MetricFailed(kKind, absl::StrCat("The example's '", fields_.expected,
                                              "' is no finite number. Correct the data, or use another metric."))
          .With("field", fields_.expected);
    }
    const std::optional<double> number = NumberOf(**output);
    if (!number.has_value()) return Score{0, absl::StrCat("'", fields_.output, "' is no finite number")};
    if (IsClose(**output, **expected, *number, *wanted)) return Score{1, ""};
    return Score{0, absl::StrCat("'", fields_.output, "' is ", *number, " and should be ", *wanted)};
  }

  bool IsClose(const Json& output, const Json& expected, double number, double wanted) const {
    const double tolerance = std::max(absolute_, relative_ * std::abs(wanted));
    // Doubles do not tell all integers apart.
    if (tolerance == 0 && output.is_number_integer() && expected.is_number_integer())
      return JsonEqual(output, expected);
    return std::abs(number - wanted) <= tolerance;
  }

  const ComparedFields fields_;
  const double absolute_;
  const double relative_;
};

class JsonEqualityMetric final : public PlainMetric {
 public:
  // Without `named` those of the fields that an example has a value for are compared.
  JsonEqualityMetric(std::vector<std::string> fields, bool named) : fields_(std::move(fields)), named_(named) {}

 private:
  static constexpr absl::string_view kKind = "json_equality";

  absl::StatusOr<Score> Compute(const Scored& scored) const override {
    std::vector<absl::string_view> differing;
    bool any = false;
    for (const std::string& field : fields_) {
      if (!named_ && !scored.example.fields.contains(field)) continue;
      const auto output = FindOutput(kKind, scored, field);
      if (!output.ok()) return output.status();
      const auto expected = FindExpected(kKind, scored, field);
      if (!expected.ok()) return expected.status();
      any = true;
      if (!JsonEqual(**output, **expected)) differing.push_back(field);
    }
    if (!any) {
      return MetricFailed(kKind, absl::StrCat("The example has a value for none of the program's outputs (",
                                              absl::StrJoin(fields_, ", "), "). Correct the data."));
    }
    if (differing.empty()) return Score{1, ""};
    return Score{0, absl::StrCat("not as expected: ", absl::StrJoin(differing, ", "))};
  }

  const std::vector<std::string> fields_;
  const bool named_;
};

absl::Status CheckTolerance(absl::string_view path, double value) {
  if (value >= 0 && std::isfinite(value)) return absl::OkStatus();
  return InvalidMetric(path, absl::StrCat("is ", value, ". Give a number of at least 0."));
}

}  // namespace

absl::StatusOr<std::shared_ptr<const Metric>> MakeNumeric(const v1::Numeric& definition,
                                                          const MetricEnvironment& environment) {
  auto fields = ReadComparedFields(definition.field(), definition.expected(), "answer", environment.outputs);
  if (!fields.ok()) return fields.status();
  absl::Status status = CheckTolerance("absolute_tolerance", definition.absolute_tolerance());
  status.Update(CheckTolerance("relative_tolerance", definition.relative_tolerance()));
  if (!status.ok()) return status;
  return std::make_shared<NumericMetric>(*std::move(fields), definition.absolute_tolerance(),
                                         definition.relative_tolerance());
}

absl::StatusOr<std::shared_ptr<const Metric>> MakeJsonEquality(const v1::JsonEquality& definition,
                                                               const MetricEnvironment& environment) {
  std::vector<std::string> fields(definition.fields().begin(), definition.fields().end());
  for (std::size_t i = 0; i < fields.size(); ++i) {
    const auto& outputs = environment.outputs;
    if (std::find(outputs.begin(), outputs.end(), fields[i]) != outputs.end()) continue;
    return InvalidMetric(absl::StrCat("fields[", i, "]"),
                         absl::StrCat("is '", fields[i], "', which is no output of the program. It has: ",
                                      absl::StrJoin(outputs, ", "), "."));
  }
  const bool named = !fields.empty();
  return std::make_shared<JsonEqualityMetric>(named ? std::move(fields) : environment.outputs, named);
}

}  // namespace dspex
