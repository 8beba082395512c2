#pragma once

#include <vector>

#include "engine/base/task.h"

namespace dspex {

/// Structured concurrency: runs the tasks side by side on the current executor and returns when all have ended. When
/// one returns an error the others are cancelled; the first error is the result. The caller's cancellation reaches all.
/// (Asio's own `&&` looks at exceptions only, so it is not used.)
StatusTask RunAll(std::vector<StatusTask> tasks);

}  // namespace dspex
