#include <absl/strings/str_cat.h>
#include <absl/strings/string_view.h>

#include <initializer_list>
#include <lua5.4/lua.hpp>
#include <string>
#include <vector>

#include "engine/script/library.h"
#include "engine/script/machine.h"
#include "engine/script/values.h"

namespace dspex {

// library.lua, embedded by the build.
extern const char kScriptLibrary[];

namespace {

constexpr std::uint64_t kStepsOfCall = 100;
constexpr std::uint64_t kBytesInStep = 4;

// Pushes a table of those members of the one on top that are named, and takes that away.
void Keep(lua_State* state, std::initializer_list<const char*> names) {
  lua_createtable(state, 0, static_cast<int>(names.size()));
  for (const char* name : names) {
    lua_getfield(state, -2, name);
    lua_setfield(state, -2, name);
  }
  lua_remove(state, -2);
}

void Open(lua_State* state, lua_CFunction library, std::initializer_list<const char*> names) {
  lua_pushcfunction(state, library);
  lua_call(state, 0, 1);
  Keep(state, names);
}

// Replaces a function of the table on top by one that gets it as its upvalue.
void Wrap(lua_State* state, const char* name, lua_CFunction wrapper) {
  lua_getfield(state, -1, name);
  lua_pushcclosure(state, wrapper, 1);
  lua_setfield(state, -2, name);
}

// Text has methods, and no other metamethods.
void SetTextMethods(lua_State* state) {
  lua_pushliteral(state, "");
  lua_createtable(state, 0, 1);
  lua_pushvalue(state, -3);
  lua_setfield(state, -2, "__index");
  lua_setmetatable(state, -2);
  lua_pop(state, 1);
}

std::uint64_t TextBytes(lua_State* state) {
  std::uint64_t bytes = 0;
  for (int i = 1; i <= lua_gettop(state); ++i) bytes += lua_rawlen(state, i);
  return bytes;
}

int CallFunction(lua_State* state) {
  const auto& function = *static_cast<const ScriptFunction*>(lua_touserdata(state, lua_upvalueindex(1)));
  Machine::Of(state).Charge(state, kStepsOfCall + TextBytes(state) / kBytesInStep);
  std::vector<Json> arguments;
  for (int i = 1; i <= lua_gettop(state); ++i) {
    absl::StatusOr<Json> argument = ToJson(state, i);
    if (!argument.ok()) Machine::Raise(state, std::string(argument.status().message()));
    arguments.push_back(*std::move(argument));
  }
  const absl::StatusOr<Json> result = function.call(arguments);
  if (!result.ok()) Machine::Raise(state, absl::StrCat(function.name, ": ", result.status().message()));
  PushJson(state, *result);
  return 1;
}

// What sorts and replaces; the tables string and table are on top, in this order.
void RunLuaPart(lua_State* state) {
  const absl::string_view source = kScriptLibrary;
  if (luaL_loadbufferx(state, source.data(), source.size(), "=library", "t") != LUA_OK) lua_error(state);
  lua_pushvalue(state, -3);
  lua_pushvalue(state, -3);
  lua_pushcfunction(state, library::Scan);
  lua_pushcfunction(state, library::Expand);
  lua_pushcfunction(state, library::SortPlain);
  lua_call(state, 5, 0);
}

}  // namespace

void OpenLibraries(lua_State* state, const std::vector<ScriptFunction>& functions) {
  Open(state, luaopen_base, {"assert", "error", "ipairs", "select", "tonumber", "type"});
  const int globals = lua_gettop(state);
  lua_pushcfunction(state, library::Pairs);
  lua_setfield(state, globals, "pairs");
  lua_pushcfunction(state, library::ToString);
  lua_setfield(state, globals, "tostring");
  lua_pushlightuserdata(state, nullptr);
  lua_setfield(state, globals, "null");
  for (const ScriptFunction& function : functions) {
    lua_pushlightuserdata(state, const_cast<ScriptFunction*>(&function));
    lua_pushcclosure(state, CallFunction, 1);
    lua_setfield(state, globals, function.name.c_str());
  }
  Open(state, luaopen_math, {"abs",  "acos", "asin",       "atan",       "ceil", "cos",  "exp", "floor", "fmod",
                             "huge", "log",  "max",        "maxinteger", "min",  "modf", "pi",  "sin",   "sqrt",
                             "tan",  "type", "mininteger", "tointeger",  "ult",  "deg",  "rad"});
  lua_setfield(state, globals, "math");
  Open(state, luaopen_utf8, {"char", "charpattern", "codepoint", "codes", "len", "offset"});
  lua_setfield(state, globals, "utf8");

  Open(state, luaopen_string, {"byte", "char", "format", "len", "lower", "rep", "reverse", "sub", "upper"});
  Wrap(state, "format", library::Format);
  Wrap(state, "rep", library::Repeat);
  luaL_setfuncs(state, library::kPatternFunctions, 0);
  SetTextMethods(state);
  Open(state, luaopen_table, {"concat", "insert", "move", "pack", "remove", "unpack"});
  Wrap(state, "insert", library::Insert);
  Wrap(state, "remove", library::Remove);
  Wrap(state, "move", library::Move);

  // The Lua part is compiled with the globals that the script will have.
  lua_pushvalue(state, globals);
  lua_rawseti(state, LUA_REGISTRYINDEX, LUA_RIDX_GLOBALS);
  lua_pushvalue(state, -1);
  lua_setfield(state, globals, "table");
  lua_pushvalue(state, -2);
  lua_setfield(state, globals, "string");
  RunLuaPart(state);
  lua_settop(state, globals - 1);
}

}  // namespace dspex
