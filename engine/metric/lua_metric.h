#pragma once

#include <absl/status/statusor.h>

#include <memory>

#include "engine/metric/make_metric.h"

namespace dspex {

namespace v1 {
class Lua;
}

/// A metric that a script in Lua computes (engine/script/script.h). INVALID_ARGUMENT with the path "script" if it does
/// not compile.
absl::StatusOr<std::shared_ptr<const Metric>> MakeLuaMetric(const v1::Lua& definition,
                                                            const MetricEnvironment& environment);

}  // namespace dspex
