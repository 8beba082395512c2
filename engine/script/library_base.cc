#include <absl/strings/ascii.h>
#include <absl/strings/str_cat.h>
#include <absl/strings/string_view.h>

#include <algorithm>
#include <cstdint>
#include <tuple>
#include <vector>

#include "engine/script/library.h"
#include "engine/script/machine.h"

namespace dspex::library {

namespace {

constexpr std::uint64_t kStepsOfKey = 20;
// What a text that string.rep makes may be at most; the memory's own limits are lower.
constexpr std::uint64_t kMaxRepeated = std::uint64_t{1} << 30;

// A key of a table, by what it is sorted.
struct Key {
  int rank = 0;  // Numbers, texts, bools.
  double number = 0;
  std::int64_t integer = 0;
  absl::string_view text;
  lua_Integer place = 0;

  bool operator<(const Key& other) const {
    return std::tie(rank, number, integer, text) < std::tie(other.rank, other.number, other.integer, other.text);
  }
};

// The key at the top of the stack.
Key ReadKey(lua_State* state, lua_Integer place) {
  Key key;
  key.place = place;
  switch (lua_type(state, -1)) {
    case LUA_TNUMBER:
      key.number = lua_tonumber(state, -1);
      key.integer = lua_isinteger(state, -1) != 0 ? lua_tointeger(state, -1) : 0;
      return key;
    case LUA_TSTRING: {
      std::size_t size = 0;
      const char* text = lua_tolstring(state, -1, &size);
      key.rank = 1;
      key.text = {text, size};
      return key;
    }
    case LUA_TBOOLEAN:
      key.rank = 2;
      key.integer = lua_toboolean(state, -1);
      return key;
    default:
      Machine::Raise(state, absl::StrCat("pairs: a key is a ", luaL_typename(state, -1),
                                         ", and such keys have no order that is the same each time"));
  }
}

// for key, value in (keys of `table`): upvalues are the keys, in order, and how many of them are done.
int NextPair(lua_State* state) {
  luaL_checktype(state, 1, LUA_TTABLE);
  lua_Integer i = lua_tointeger(state, lua_upvalueindex(2));
  while (true) {
    lua_settop(state, 1);
    if (lua_rawgeti(state, lua_upvalueindex(1), ++i) == LUA_TNIL) return 1;
    lua_pushvalue(state, -1);
    // A value that was taken away meanwhile is passed over.
    if (lua_rawget(state, 1) != LUA_TNIL) break;
    Machine::Of(state).Charge(state, 1);
  }
  lua_pushinteger(state, i);
  lua_replace(state, lua_upvalueindex(2));
  return 2;
}

bool HasPointer(absl::string_view format) {
  for (std::size_t i = 0; i < format.size(); ++i) {
    if (format[i] != '%') continue;
    ++i;
    while (i < format.size() && !absl::ascii_isalpha(static_cast<unsigned char>(format[i])) && format[i] != '%') ++i;
    if (i < format.size() && format[i] == 'p') return true;
  }
  return false;
}

}  // namespace

int CallOwn(lua_State* state) { return lua_tocfunction(state, lua_upvalueindex(1))(state); }

int Pairs(lua_State* state) {
  luaL_checktype(state, 1, LUA_TTABLE);
  lua_settop(state, 1);
  std::vector<Key> keys;
  lua_newtable(state);
  for (lua_pushnil(state); lua_next(state, 1) != 0;) {
    lua_pop(state, 1);
    keys.push_back(ReadKey(state, static_cast<lua_Integer>(keys.size()) + 1));
    lua_pushvalue(state, -1);
    lua_rawseti(state, 2, keys.back().place);
  }
  Machine::Of(state).Charge(state, kStepsOfKey * keys.size());
  std::sort(keys.begin(), keys.end());
  lua_createtable(state, static_cast<int>(keys.size()), 0);
  lua_Integer i = 0;
  for (const Key& key : keys) {
    lua_rawgeti(state, 2, key.place);
    lua_rawseti(state, 3, ++i);
  }
  lua_pushinteger(state, 0);
  lua_pushcclosure(state, NextPair, 2);
  lua_pushvalue(state, 1);
  return 2;
}

int ToString(lua_State* state) {
  luaL_checkany(state, 1);
  switch (lua_type(state, 1)) {
    case LUA_TNIL:
    case LUA_TBOOLEAN:
    case LUA_TNUMBER:
    case LUA_TSTRING:
      luaL_tolstring(state, 1, nullptr);
      return 1;
    case LUA_TLIGHTUSERDATA:
      lua_pushliteral(state, "null");
      return 1;
    default:
      lua_pushstring(state, luaL_typename(state, 1));
      return 1;
  }
}

int Format(lua_State* state) {
  std::size_t size = 0;
  const char* format = luaL_checklstring(state, 1, &size);
  if (HasPointer({format, size})) Machine::Raise(state, "invalid conversion '%p' to 'format'");
  const int count = lua_gettop(state);
  for (int i = 2; i <= count; ++i) {
    const int type = lua_type(state, i);
    if (type != LUA_TTABLE && type != LUA_TFUNCTION && type != LUA_TLIGHTUSERDATA) continue;
    lua_pushcfunction(state, ToString);
    lua_pushvalue(state, i);
    lua_call(state, 1, 1);
    lua_replace(state, i);
  }
  return CallOwn(state);
}

int Repeat(lua_State* state) {
  std::size_t size = 0;
  std::size_t separator = 0;
  luaL_checklstring(state, 1, &size);
  const lua_Integer count = luaL_checkinteger(state, 2);
  luaL_optlstring(state, 3, "", &separator);
  // Lua's own would count to the end of nothing.
  if (count <= 0 || size + separator == 0) {
    lua_pushliteral(state, "");
    return 1;
  }
  const auto times = static_cast<std::uint64_t>(count);
  if (times > kMaxRepeated / (size + separator)) Machine::Raise(state, "resulting string too large");
  Machine::Of(state).Charge(state, times);
  return CallOwn(state);
}

}  // namespace dspex::library
