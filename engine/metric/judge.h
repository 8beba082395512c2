#pragma once

#include <absl/status/statusor.h>

#include <memory>

#include "engine/metric/make_metric.h"

namespace dspex {

namespace v1 {
class Judge;
class SemanticF1;
}  // namespace v1

// The metrics that ask a language model. Errors have paths within the message.

/// By a signature of the user's own.
absl::StatusOr<std::shared_ptr<const Metric>> MakeJudge(const v1::Judge& definition,
                                                        const MetricEnvironment& environment);

/// DSPy's SemanticF1, in the words of the program's phrasebook. FAILED_PRECONDITION / PHRASEBOOK_NOT_FOUND if it has
/// none for it. Where DSPy clamps NaN to 1, there is no score.
absl::StatusOr<std::shared_ptr<const Metric>> MakeSemanticF1(const v1::SemanticF1& definition,
                                                             const MetricEnvironment& environment);

}  // namespace dspex
