#include <absl/strings/string_view.h>

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstdint>
#include <vector>

#include "engine/script/library.h"
#include "engine/script/machine.h"

namespace dspex::library {

namespace {

constexpr std::uint64_t kBytesInStep = 32;

// Calls Lua's own function, after as many steps as it takes.
int CallOwn(lua_State* state, std::uint64_t steps) {
  Machine::Of(state).Charge(state, steps);
  return library::CallOwn(state);
}

// The length of the table that is the first argument. It may be far more than the table holds: a table with holes has
// several lengths.
lua_Integer LengthOf(lua_State* state) {
  luaL_checktype(state, 1, LUA_TTABLE);
  return static_cast<lua_Integer>(lua_rawlen(state, 1));
}

// How many elements there are from `first` to `last`.
std::uint64_t Count(lua_Integer first, lua_Integer last) {
  return last < first ? 0 : static_cast<std::uint64_t>(last) - static_cast<std::uint64_t>(first) + 1;
}

struct Element {
  double number = 0;
  std::int64_t integer = 0;
  absl::string_view text;
  lua_Integer place = 0;

  bool operator<(const Element& other) const {
    if (number != other.number) return number < other.number;
    return integer != other.integer ? integer < other.integer : text < other.text;
  }
};

// The element on top of the stack, which must be of the type.
Element ReadElement(lua_State* state, int type, lua_Integer place) {
  if (lua_type(state, -1) != type) {
    luaL_error(state, "attempt to compare %s with %s", luaL_typename(state, -1), lua_typename(state, type));
  }
  Element element;
  element.place = place;
  if (type == LUA_TNUMBER) {
    element.number = lua_tonumber(state, -1);
    element.integer = lua_isinteger(state, -1) != 0 ? lua_tointeger(state, -1) : 0;
    if (std::isnan(element.number)) luaL_error(state, "NaN has no place in an order");
  } else {
    std::size_t size = 0;
    const char* text = lua_tolstring(state, -1, &size);
    element.text = {text, size};
  }
  return element;
}

}  // namespace

int Insert(lua_State* state) {
  const lua_Integer length = LengthOf(state);
  const bool shifts = lua_gettop(state) == 3;
  return CallOwn(state, shifts ? Count(luaL_checkinteger(state, 2), length) : 1);
}

int Remove(lua_State* state) {
  const lua_Integer length = LengthOf(state);
  return CallOwn(state, Count(luaL_optinteger(state, 2, length), length));
}

int Move(lua_State* state) { return CallOwn(state, Count(luaL_checkinteger(state, 2), luaL_checkinteger(state, 3))); }

int SortPlain(lua_State* state) {
  const lua_Integer length = LengthOf(state);
  if (length <= 1) return 0;
  Machine& machine = Machine::Of(state);
  machine.Charge(state, static_cast<std::uint64_t>(length));
  lua_settop(state, 1);
  // A copy keeps the elements while they are put back.
  lua_createtable(state, static_cast<int>(length), 0);
  lua_rawgeti(state, 1, 1);
  const int type = lua_type(state, -1);
  lua_pop(state, 1);
  if (type != LUA_TNUMBER && type != LUA_TSTRING) {
    return luaL_error(state, "attempt to compare two %s values", lua_typename(state, type));
  }
  std::vector<Element> elements;
  std::uint64_t bytes = 0;
  for (lua_Integer i = 1; i <= length; ++i) {
    lua_rawgeti(state, 1, i);
    elements.push_back(ReadElement(state, type, i));
    bytes += elements.back().text.size();
    lua_rawseti(state, 2, i);
  }
  const std::uint64_t comparisons = static_cast<std::uint64_t>(std::bit_width(elements.size()));
  machine.Charge(state, comparisons * (elements.size() + bytes / kBytesInStep));
  std::sort(elements.begin(), elements.end());
  for (lua_Integer i = 1; i <= length; ++i) {
    lua_rawgeti(state, 2, elements[static_cast<std::size_t>(i - 1)].place);
    lua_rawseti(state, 1, i);
  }
  return 0;
}

}  // namespace dspex::library
