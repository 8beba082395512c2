#pragma once

#include <absl/status/statusor.h>

#include <memory>

#include "engine/metric/make_metric.h"

namespace dspex {

namespace v1 {
class JsonEquality;
class Numeric;
}  // namespace v1

// The metrics that compare numbers and values of any kind. Errors have paths within the message.

absl::StatusOr<std::shared_ptr<const Metric>> MakeNumeric(const v1::Numeric& definition,
                                                          const MetricEnvironment& environment);
absl::StatusOr<std::shared_ptr<const Metric>> MakeJsonEquality(const v1::JsonEquality& definition,
                                                               const MetricEnvironment& environment);

}  // namespace dspex
