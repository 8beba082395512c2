#pragma once

#include <absl/status/statusor.h>
#include <absl/strings/string_view.h>

#include <string>
#include <vector>

#include "engine/base/error.h"
#include "engine/metric/metric.h"

namespace dspex {

/// A metric that awaits nothing.
class PlainMetric : public Metric {
 public:
  Task<Score> Evaluate(RequestContext context, const Scored& scored) const final;

 protected:
  virtual absl::StatusOr<Score> Compute(const Scored& scored) const = 0;
};

/// INVALID_ARGUMENT / INVALID_REQUEST: a metric's definition is wrong at `path`, which is relative to its kind.
absl::Status InvalidMetric(absl::string_view path, absl::string_view problem);

/// INVALID_ARGUMENT / METRIC_FAILED. `metric` is the kind, as its field in the proto is named.
Error MetricFailed(absl::string_view metric, absl::string_view message);

/// METRIC_FAILED unless the value is finite.
absl::StatusOr<Score> FiniteScore(absl::string_view metric, double value, std::string feedback);

/// What a metric compares: an output of the prediction with a field of the example.
struct ComparedFields {
  std::string output;
  std::string expected;
};

/// Completes the names of a definition. An empty `field` is `usual` where the program has that output, or its only
/// output (`reasoning` aside); an empty `expected` is as `field`. INVALID_REQUEST with the path "field" if there is no
/// such output.
absl::StatusOr<ComparedFields> ReadComparedFields(const std::string& field, const std::string& expected,
                                                  absl::string_view usual, const std::vector<std::string>& outputs);

/// The value of an output, or of a field of the example; METRIC_FAILED, metadata `field`, where there is none.
absl::StatusOr<const Json*> FindOutput(absl::string_view metric, const Scored& scored, const std::string& name);
absl::StatusOr<const Json*> FindExpected(absl::string_view metric, const Scored& scored, const std::string& name);

/// The same for a text, and for a text or a list of texts. The texts are in the value.
absl::StatusOr<absl::string_view> OutputText(absl::string_view metric, const Scored& scored, const std::string& name);
absl::StatusOr<std::vector<absl::string_view>> ExpectedTexts(absl::string_view metric, const Scored& scored,
                                                             const std::string& name);

/// How an error or a feedback calls a value: "a text", "null", "NaN".
absl::string_view KindOf(const Json& value);

}  // namespace dspex
