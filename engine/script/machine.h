#pragma once

#include <absl/container/flat_hash_map.h>
#include <absl/status/statusor.h>
#include <absl/strings/string_view.h>

#include <cstddef>
#include <cstdint>
#include <lua5.4/lua.hpp>
#include <memory>
#include <string>
#include <vector>

#include "engine/json/json.h"
#include "engine/script/pattern.h"
#include "engine/script/script.h"

namespace dspex {

/// One run of a script: a state of Lua of its own, and what it has used up. For one thread at a time; everything is
/// freed with it.
///
/// Nothing in the sandbox calls a function of the script from C (library.lua does what would), so a run can give way at
/// every instruction.
class Machine {
 public:
  explicit Machine(const ScriptLimits& limits) : limits_(limits) {}
  ~Machine();
  Machine(const Machine&) = delete;
  Machine& operator=(const Machine&) = delete;

  /// Opens the libraries, sets the globals and compiles. Called once. What the arguments refer to outlives the machine.
  absl::Status Start(const std::string& source, const std::vector<ScriptFunction>& functions,
                     const std::vector<ScriptGlobal>& globals);

  /// Runs for about a millisecond. False: there is more to do.
  absl::StatusOr<bool> Step();

  /// What the script returned, once Step has said true.
  absl::StatusOr<std::vector<Json>> Results();

  // For the library's functions.

  static Machine& Of(lua_State* state);

  /// Counts `steps` of work; the script breaks off if it has used up what it may.
  void Charge(lua_State* state, std::uint64_t steps);

  /// Lets the script give way, if it has run for long, before its next instruction.
  void CheckTime(lua_State* state);

  /// The translated pattern, compiled; raises what is wrong with it. It stays until the next call.
  const Pattern& FindPattern(lua_State* state, absl::string_view pattern, bool anchors);

  /// Breaks the script off.
  [[noreturn]] static void Raise(lua_State* state, const std::string& message);

 private:
  static void* Allocate(void* machine, void* block, std::size_t old_size, std::size_t size);
  static void Hook(lua_State* state, lua_Debug* where);
  static int Prepare(lua_State* state);

  bool MayGrow(std::size_t size, std::size_t growth);
  void SetHook(int count);
  int HookPeriod() const;
  // Why the script may not go on; empty: it may.
  std::string Exceeded() const;
  // The error that is on top of the stack.
  std::string MessageOf(lua_State* state, int status) const;
  absl::Status TakeError(lua_State* state, int status);

  const ScriptLimits limits_;
  lua_State* state_ = nullptr;
  // The script's own stack; null until it is ready.
  lua_State* thread_ = nullptr;
  const std::string* source_ = nullptr;
  const std::vector<ScriptFunction>* functions_ = nullptr;
  const std::vector<ScriptGlobal>* globals_ = nullptr;
  int results_ = 0;

  std::uint64_t steps_ = 0;
  // Of them: since the hook ran last.
  std::uint64_t pending_ = 0;
  int period_ = 0;
  std::size_t used_ = 0;
  std::size_t largest_ = 0;
  int refusals_ = 0;
  TimePoint slice_begin_;
  Clock::duration ran_{};
  absl::flat_hash_map<std::string, std::unique_ptr<const Pattern>> patterns_;
};

/// Puts the allowed libraries and the functions into the state's globals.
void OpenLibraries(lua_State* state, const std::vector<ScriptFunction>& functions);

}  // namespace dspex
