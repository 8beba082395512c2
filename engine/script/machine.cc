#include "engine/script/machine.h"

#include <absl/strings/match.h>
#include <absl/strings/str_cat.h>

#include <algorithm>
#include <cstdlib>
#include <utility>

#include "engine/json/utf8.h"
#include "engine/script/values.h"

namespace dspex {

namespace {

constexpr int kPeriod = 1000;
constexpr Clock::duration kSlice = std::chrono::milliseconds(1);
// An instruction may compare whole texts: between two looks at the clock, no more than so many bytes.
constexpr std::size_t kBytesInPeriod = std::size_t{16} << 20;
// A step's worth of memory.
constexpr std::size_t kBytesInStep = 16;
// Each collects the whole heap; a script at the edge of its memory would do nothing else.
constexpr int kMaxRefusals = 8;
constexpr std::size_t kMaxPatterns = 16;
constexpr std::uint64_t kStepsToCompilePattern = 2000;
constexpr std::uint64_t kStepsInPatternByte = 50;
constexpr std::size_t kMaxMessageBytes = 500;
constexpr char kChunk[] = "=script";
constexpr absl::string_view kScriptPrefix = "script:";
constexpr absl::string_view kLibraryPrefix = "library:";

}  // namespace

Machine::~Machine() {
  // What is freed now takes no hook.
  thread_ = nullptr;
  if (state_ != nullptr) lua_close(state_);
}

Machine& Machine::Of(lua_State* state) {
  void* machine = nullptr;
  lua_getallocf(state, &machine);
  return *static_cast<Machine*>(machine);
}

bool Machine::MayGrow(std::size_t size, std::size_t growth) {
  if (size > limits_.block || steps_ > static_cast<std::uint64_t>(limits_.steps)) return false;
  if (used_ + growth <= limits_.memory && refusals_ < kMaxRefusals) return true;
  ++refusals_;
  return false;
}

void* Machine::Allocate(void* machine, void* block, std::size_t old_size, std::size_t size) {
  Machine& self = *static_cast<Machine*>(machine);
  // Without a block, the old size is a kind of object.
  const std::size_t before = block == nullptr ? 0 : old_size;
  if (size == 0) {
    self.used_ -= before;
    std::free(block);
    return nullptr;
  }
  if (size > before && !self.MayGrow(size, size - before)) return nullptr;
  void* grown = std::realloc(block, size);
  if (grown == nullptr) return nullptr;
  self.used_ = self.used_ - before + size;
  const std::uint64_t work = size / kBytesInStep;
  self.steps_ += work;
  self.pending_ += work;
  self.largest_ = std::max(self.largest_, size);
  if (self.thread_ != nullptr && self.pending_ >= kPeriod) self.SetHook(1);
  return grown;
}

int Machine::HookPeriod() const {
  const std::size_t instructions = kBytesInPeriod / std::max<std::size_t>(largest_, 1);
  return static_cast<int>(std::clamp<std::size_t>(instructions, 1, kPeriod));
}

void Machine::SetHook(int count) {
  if (period_ == count) return;
  period_ = count;
  lua_sethook(thread_, &Machine::Hook, LUA_MASKCOUNT, count);
}

std::string Machine::Exceeded() const {
  if (steps_ > static_cast<std::uint64_t>(limits_.steps)) {
    return absl::StrCat("the script took more than ", limits_.steps, " steps");
  }
  if (ran_ + (Clock::now() - slice_begin_) > limits_.time) {
    return absl::StrCat("the script ran for more than ",
                        std::chrono::duration_cast<std::chrono::milliseconds>(limits_.time).count(), " ms");
  }
  return "";
}

void Machine::Hook(lua_State* state, lua_Debug*) {
  Machine& self = Of(state);
  self.steps_ += static_cast<std::uint64_t>(self.period_);
  self.pending_ = 0;
  if (const std::string problem = self.Exceeded(); !problem.empty()) Raise(state, problem);
  self.SetHook(self.HookPeriod());
  if (Clock::now() - self.slice_begin_ >= kSlice && lua_isyieldable(state) != 0) lua_yield(state, 0);
}

void Machine::Charge(lua_State* state, std::uint64_t steps) {
  steps_ += std::min(steps, static_cast<std::uint64_t>(limits_.steps) + 1);
  pending_ += steps;
  if (const std::string problem = Exceeded(); !problem.empty()) Raise(state, problem);
  if (pending_ >= kPeriod) SetHook(1);
}

void Machine::CheckTime(lua_State* state) {
  if (Clock::now() - slice_begin_ < kSlice) return;
  if (const std::string problem = Exceeded(); !problem.empty()) Raise(state, problem);
  SetHook(1);
}

const Pattern& Machine::FindPattern(lua_State* state, absl::string_view pattern, bool anchors) {
  std::string key = absl::StrCat(anchors ? "^" : ".", pattern);
  if (const auto found = patterns_.find(key); found != patterns_.end()) return *found->second;
  Charge(state, kStepsToCompilePattern + kStepsInPatternByte * pattern.size());
  absl::StatusOr<Pattern> compiled = Pattern::Compile(pattern, anchors);
  if (!compiled.ok()) Raise(state, std::string(compiled.status().message()));
  if (patterns_.size() >= kMaxPatterns) patterns_.clear();
  auto& kept = patterns_[std::move(key)];
  kept = std::make_unique<const Pattern>(*std::move(compiled));
  return *kept;
}

void Machine::Raise(lua_State* state, const std::string& message) {
  lua_pushlstring(state, message.data(), message.size());
  lua_error(state);
  std::abort();  // lua_error does not return.
}

// Runs protected, with a Machine for its argument: memory may run out everywhere here.
int Machine::Prepare(lua_State* state) {
  Machine& self = *static_cast<Machine*>(lua_touserdata(state, 1));
  OpenLibraries(state, *self.functions_);
  for (const ScriptGlobal& global : *self.globals_) {
    if (global.value == nullptr) continue;
    PushJson(state, *global.value);
    lua_setglobal(state, global.name.c_str());
  }
  lua_State* const thread = lua_newthread(state);
  const std::string expression = absl::StrCat("return ", *self.source_);
  if (luaL_loadbufferx(thread, expression.data(), expression.size(), kChunk, "t") != LUA_OK) {
    lua_settop(thread, 0);
    const std::string& script = *self.source_;
    if (luaL_loadbufferx(thread, script.data(), script.size(), kChunk, "t") != LUA_OK) {
      lua_xmove(thread, state, 1);
      lua_error(state);
    }
  }
  // The state's stack keeps it alive.
  self.thread_ = thread;
  return 1;
}

absl::Status Machine::Start(const std::string& source, const std::vector<ScriptFunction>& functions,
                            const std::vector<ScriptGlobal>& globals) {
  source_ = &source;
  functions_ = &functions;
  globals_ = &globals;
  slice_begin_ = Clock::now();
  state_ = lua_newstate(&Machine::Allocate, this);
  if (state_ == nullptr) return absl::ResourceExhaustedError("the script's memory is too small to begin");
  // Memory is bounded, so it is collected early.
  lua_gc(state_, LUA_GCINC, 120, 200, 0);
  lua_pushcfunction(state_, &Machine::Prepare);
  lua_pushlightuserdata(state_, this);
  if (const int status = lua_pcall(state_, 1, 1, 0); status != LUA_OK) return TakeError(state_, status);
  SetHook(HookPeriod());
  return absl::OkStatus();
}

absl::StatusOr<bool> Machine::Step() {
  slice_begin_ = Clock::now();
  const int status = lua_resume(thread_, state_, 0, &results_);
  ran_ += Clock::now() - slice_begin_;
  if (status == LUA_YIELD) return false;
  if (status != LUA_OK) return TakeError(thread_, status);
  return true;
}

absl::StatusOr<std::vector<Json>> Machine::Results() {
  std::vector<Json> results;
  const int first = lua_gettop(thread_) - results_ + 1;
  for (int i = 0; i < results_; ++i) {
    absl::StatusOr<Json> value = ToJson(thread_, first + i);
    if (!value.ok()) return value.status();
    results.push_back(*std::move(value));
  }
  return results;
}

std::string Machine::MessageOf(lua_State* state, int status) const {
  if (status == LUA_ERRMEM) {
    const std::string problem = Exceeded();
    if (!problem.empty()) return problem;
    return absl::StrCat("the script needs more memory than it may have: ", limits_.memory >> 20, " MiB, and ",
                        limits_.block >> 20, " MiB for one text or table");
  }
  if (lua_type(state, -1) != LUA_TSTRING) {
    return absl::StrCat("the script raised an error that is a ", luaL_typename(state, -1), " and no text");
  }
  std::size_t size = 0;
  const char* text = lua_tolstring(state, -1, &size);
  absl::string_view message(text, std::min(size, kMaxMessageBytes + 4));
  return Shorten(message.substr(0, ValidUtf8Prefix(message)), kMaxMessageBytes);
}

absl::Status Machine::TakeError(lua_State* state, int status) {
  std::string message = MessageOf(state, status);
  if (absl::StartsWith(message, kScriptPrefix)) return absl::InvalidArgumentError(message);
  if (absl::StartsWith(message, kLibraryPrefix)) message.erase(0, message.find(": ") + 2);
  // The stack is as it was when the error came: the script's line is in it.
  lua_Debug frame;
  for (int level = 0; lua_getstack(state, level, &frame) != 0; ++level) {
    lua_getinfo(state, "Sl", &frame);
    if (frame.currentline <= 0 || absl::string_view(frame.source) != kChunk) continue;
    return absl::InvalidArgumentError(absl::StrCat(kScriptPrefix, frame.currentline, ": ", message));
  }
  return absl::InvalidArgumentError(message);
}

}  // namespace dspex
