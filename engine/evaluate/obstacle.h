#pragma once

#include <absl/status/status.h>

namespace dspex {

/// What an error of a prediction says of the example that it was made for.
enum class Blame {
  /// The program, its answer or the example: it counts as a failure.
  kExample,
  /// Credentials, credit, an outage, a limit, a full disk: nobody's score may suffer from it.
  kObstacle,
  /// A call took too long: an outage, or an example that is too much for the model. What else goes on tells.
  kTimeout,
  /// The run is over: its budget is spent, its owner is gone, it was cancelled.
  kRun,
};

Blame BlameFor(const absl::Status& error);

}  // namespace dspex
