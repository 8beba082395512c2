#include "engine/script/values.h"

#include <absl/strings/str_cat.h>

#include <algorithm>
#include <cstdint>
#include <limits>
#include <nlohmann/json.hpp>
#include <string>
#include <utility>
#include <vector>

#include "engine/json/utf8.h"

namespace dspex {

namespace {

constexpr int kMaxDepth = 50;
// A table that is in many places is many values.
constexpr std::size_t kMaxValues = 100'000;
constexpr std::size_t kMaxBytes = std::size_t{16} << 20;

void PushString(lua_State* state, const std::string& text) { lua_pushlstring(state, text.data(), text.size()); }

int SizeHint(std::size_t size) {
  return static_cast<int>(std::min<std::size_t>(size, std::numeric_limits<int>::max()));
}

void PushNumber(lua_State* state, const Json& value) {
  if (value.is_number_float()) {
    lua_pushnumber(state, value.get<double>());
  } else if (value.is_number_unsigned() &&
             value.get<std::uint64_t>() > static_cast<std::uint64_t>(std::numeric_limits<std::int64_t>::max())) {
    lua_pushnumber(state, static_cast<double>(value.get<std::uint64_t>()));
  } else {
    lua_pushinteger(state, value.get<std::int64_t>());
  }
}

class Reader {
 public:
  explicit Reader(lua_State* state) : state_(state) {}

  absl::StatusOr<Json> Read(int index, int depth) {
    if (++values_ > kMaxValues || bytes_ > kMaxBytes) {
      return absl::InvalidArgumentError("the script gives a value that is too large");
    }
    switch (lua_type(state_, index)) {
      case LUA_TNIL:
        return Json();
      case LUA_TLIGHTUSERDATA:
        return Json();
      case LUA_TBOOLEAN:
        return Json(lua_toboolean(state_, index) != 0);
      case LUA_TNUMBER:
        if (lua_isinteger(state_, index) != 0) return Json(static_cast<std::int64_t>(lua_tointeger(state_, index)));
        return Json(lua_tonumber(state_, index));
      case LUA_TSTRING:
        return ReadString(index);
      case LUA_TTABLE:
        return ReadTable(index, depth);
      default:
        return absl::InvalidArgumentError(
            absl::StrCat("the script gives a ", luaL_typename(state_, index), " for a value"));
    }
  }

 private:
  absl::StatusOr<Json> ReadString(int index) {
    std::size_t size = 0;
    const char* text = lua_tolstring(state_, index, &size);
    if (ValidUtf8Prefix({text, size}) != size) {
      return absl::InvalidArgumentError("the script gives a text that is not UTF-8");
    }
    bytes_ += size;
    return Json(std::string(text, size));
  }

  absl::StatusOr<Json> ReadTable(int index, int depth) {
    if (depth >= kMaxDepth || lua_checkstack(state_, 4) == 0) {
      return absl::InvalidArgumentError("the script gives a table that is nested too deep");
    }
    index = lua_absindex(state_, index);
    const auto length = static_cast<std::uint64_t>(lua_rawlen(state_, index));
    std::vector<std::pair<std::string, Json>> members;
    std::uint64_t items = 0;
    for (lua_pushnil(state_); lua_next(state_, index) != 0; lua_pop(state_, 1)) {
      if (lua_isinteger(state_, -2) != 0) {
        const auto key = static_cast<std::uint64_t>(lua_tointeger(state_, -2));
        if (key < 1 || key > length) return Mixed();
        ++items;
        continue;
      }
      if (lua_type(state_, -2) != LUA_TSTRING) return Mixed();
      absl::StatusOr<Json> key = ReadString(-2);
      if (!key.ok()) return key;
      absl::StatusOr<Json> value = Read(-1, depth + 1);
      if (!value.ok()) return value;
      members.emplace_back(key->get<std::string>(), *std::move(value));
    }
    if (items != length || (length != 0 && !members.empty())) return Mixed();
    return members.empty() ? ReadList(index, length, depth) : MakeObject(std::move(members));
  }

  absl::StatusOr<Json> ReadList(int index, std::uint64_t length, int depth) {
    Json list = Json::array();
    for (std::uint64_t i = 1; i <= length; ++i) {
      lua_rawgeti(state_, index, static_cast<lua_Integer>(i));
      absl::StatusOr<Json> item = Read(-1, depth + 1);
      lua_pop(state_, 1);
      if (!item.ok()) return item;
      list.push_back(*std::move(item));
    }
    return list;
  }

  // Tables have no order that is the same each time.
  static Json MakeObject(std::vector<std::pair<std::string, Json>> members) {
    std::sort(members.begin(), members.end(), [](const auto& a, const auto& b) { return a.first < b.first; });
    Json object = Json::object();
    auto& content = object.get_ref<Json::object_t&>();
    content.reserve(members.size());
    // Keys are unique, and operator[] would look for each.
    for (auto& [key, value] : members) content.push_back({std::move(key), std::move(value)});
    return object;
  }

  static absl::Status Mixed() {
    return absl::InvalidArgumentError("the script gives a table that is neither a list nor an object");
  }

  lua_State* const state_;
  std::size_t values_ = 0;
  std::size_t bytes_ = 0;
};

}  // namespace

void PushJson(lua_State* state, const Json& value) {
  luaL_checkstack(state, 4, "a value is nested too deep");
  switch (value.type()) {
    case Json::value_t::boolean:
      lua_pushboolean(state, value.get<bool>() ? 1 : 0);
      return;
    case Json::value_t::string:
      PushString(state, value.get_ref<const std::string&>());
      return;
    case Json::value_t::number_integer:
    case Json::value_t::number_unsigned:
    case Json::value_t::number_float:
      PushNumber(state, value);
      return;
    case Json::value_t::array: {
      lua_createtable(state, SizeHint(value.size()), 0);
      lua_Integer i = 0;
      for (const Json& item : value) {
        if (item.is_null()) {
          lua_pushlightuserdata(state, nullptr);
        } else {
          PushJson(state, item);
        }
        lua_rawseti(state, -2, ++i);
      }
      return;
    }
    case Json::value_t::object:
      lua_createtable(state, 0, SizeHint(value.size()));
      for (const auto& [key, member] : value.get_ref<const Json::object_t&>()) {
        PushString(state, key);
        PushJson(state, member);
        lua_rawset(state, -3);
      }
      return;
    default:
      lua_pushnil(state);
  }
}

absl::StatusOr<Json> ToJson(lua_State* state, int index) {
  const int top = lua_gettop(state);
  absl::StatusOr<Json> value = Reader(state).Read(index, 0);
  // What stopped half-way leaves keys behind.
  lua_settop(state, top);
  return value;
}

}  // namespace dspex
