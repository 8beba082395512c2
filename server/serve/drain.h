#pragma once

#include <grpcpp/server.h>

#include <chrono>

#include "engine/base/task_scope.h"
#include "server/log/logger.h"
#include "server/rpc/admission.h"
#include "server/serve/signals.h"

namespace dspex {

/// How a server goes away: health says NOT_SERVING; calls are still taken for `lame_duck`; then they are refused and
/// those in flight are waited for; at `time_limit` after the start, or at a second signal, what is left is cancelled.
/// Returns when gRPC has shut down; ends the process if that takes more than a few seconds after the cancellation.
void Drain(grpc::Server& server, Admission& admission, TaskScope& tasks, Signals& signals, Logger& logger,
           std::chrono::milliseconds lame_duck, std::chrono::milliseconds time_limit);

}  // namespace dspex
