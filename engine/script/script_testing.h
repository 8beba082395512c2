#pragma once

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <exception>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "engine/script/script.h"

namespace dspex {

/// Compiles and runs a script on this thread.
inline absl::StatusOr<std::vector<Json>> RunScript(std::string source, std::vector<ScriptGlobal> globals = {},
                                                   const ScriptLimits& limits = {},
                                                   std::vector<ScriptFunction> functions = {}) {
  const auto script = Script::Compile(std::move(source), std::move(functions), limits);
  if (!script.ok()) return script.status();
  asio::io_context io;
  std::optional<absl::StatusOr<std::vector<Json>>> result;
  asio::co_spawn(io, (*script)->Run(std::move(globals), kNoDeadline),
                 [&result](const std::exception_ptr& exception, absl::StatusOr<std::vector<Json>> value) {
                   if (!exception) result = std::move(value);
                 });
  io.run();
  return result.has_value() ? *std::move(result) : absl::InternalError("an exception");
}

}  // namespace dspex
