#pragma once

#include <absl/status/status.h>

#include "server/config/config.h"

namespace dspex {

/// Runs the server until SIGTERM or SIGINT, and drains it. The composition root: everything is made and wired here.
/// Returns what kept the server from starting, or OK once it has gone. Called once in a process, from its main thread,
/// before any other thread exists.
absl::Status Serve(const ResolvedConfig& config);

}  // namespace dspex
