#pragma once

#include <absl/status/statusor.h>

#include <memory>

#include "engine/metric/make_metric.h"

namespace dspex {

namespace v1 {
class Contains;
class ExactMatch;
class F1;
class PassageMatch;
}  // namespace v1

// The metrics that compare texts. Errors have paths within the message.

absl::StatusOr<std::shared_ptr<const Metric>> MakeExactMatch(const v1::ExactMatch& definition,
                                                             const MetricEnvironment& environment);
absl::StatusOr<std::shared_ptr<const Metric>> MakePassageMatch(const v1::PassageMatch& definition,
                                                               const MetricEnvironment& environment);
absl::StatusOr<std::shared_ptr<const Metric>> MakeF1(const v1::F1& definition, const MetricEnvironment& environment);
absl::StatusOr<std::shared_ptr<const Metric>> MakeContains(const v1::Contains& definition,
                                                           const MetricEnvironment& environment);

}  // namespace dspex
