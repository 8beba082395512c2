#pragma once

#include <absl/status/status.h>

#include <functional>

#include "server/config/config.h"

namespace dspex {

/// Runs the server until it is told to go; returns what kept it from starting, or OK.
using ServeFunction = std::function<absl::Status(const ResolvedConfig& config)>;

/// The command line `dspex`: `serve` calls `serve`, every other command is a client of a running server. Returns the
/// process's exit code: 0, 1 if something failed, 2 if the command line or the configuration is wrong. Results go to
/// standard output, errors to standard error. Throws nothing.
int RunCli(int argc, char** argv, const ServeFunction& serve);

}  // namespace dspex
