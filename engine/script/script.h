#pragma once

#include <absl/status/statusor.h>
#include <absl/strings/string_view.h>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "engine/base/task.h"
#include "engine/json/json.h"

namespace dspex {

/// What a script may use up.
struct ScriptLimits {
  /// Instructions of Lua's machine; the library's work is counted in their like.
  std::int64_t steps = 10'000'000;
  /// Of everything it holds at one time, in bytes.
  std::size_t memory = std::size_t{16} << 20;
  /// Of one text, or one table's own storage, in bytes.
  std::size_t block = std::size_t{2} << 20;
  /// How long it may compute. What ends scripts is their steps, the same on every machine; this is for the rest.
  Clock::duration time = std::chrono::seconds(5);
};

/// The longest source, in bytes.
inline constexpr std::size_t kMaxScriptBytes = std::size_t{64} << 10;

/// A value that a script sees under a global name. What it refers to outlives the run.
struct ScriptGlobal {
  std::string name;
  const Json* value = nullptr;
};

/// A function of ours that scripts may call; it must not take long. An error breaks the script off.
struct ScriptFunction {
  std::string name;
  std::function<absl::StatusOr<Json>(const std::vector<Json>& arguments)> call;
};

/// A script in Lua 5.4, or an expression, run in a sandbox (docs/scoring.md has what it may do): no files, processes,
/// clock, chance, loading of code, metatables, coroutines or pcall; the same result each time. Nothing is kept from one
/// run to the next. Immutable and thread-safe.
class Script {
 public:
  /// INVALID_ARGUMENT, with Lua's message, if the source does not compile or is too long. Messages of scripts begin
  /// with "script:LINE: " where a line is known; they hold no address.
  static absl::StatusOr<std::shared_ptr<const Script>> Compile(std::string source,
                                                               std::vector<ScriptFunction> functions = {},
                                                               const ScriptLimits& limits = {});

  /// Runs it; what it returns, nil as null. It gives way to other work of its executor every millisecond or so.
  /// INVALID_ARGUMENT, with the message, if it breaks off; DEADLINE_EXCEEDED, CANCELLED. The script outlives the task.
  Task<std::vector<Json>> Run(std::vector<ScriptGlobal> globals, TimePoint deadline) const;

 private:
  Script(std::string source, std::vector<ScriptFunction> functions, const ScriptLimits& limits)
      : source_(std::move(source)), functions_(std::move(functions)), limits_(limits) {}

  const std::string source_;
  const std::vector<ScriptFunction> functions_;
  const ScriptLimits limits_;
};

/// The line that a script's message begins with; 0 if it has none.
int ScriptErrorLine(absl::string_view message);

}  // namespace dspex
