#include <absl/strings/ascii.h>
#include <absl/strings/string_view.h>

#include <algorithm>
#include <cstdint>
#include <cstring>

#include "engine/script/library.h"
#include "engine/script/machine.h"
#include "engine/script/pattern.h"

namespace dspex::library {

namespace {

constexpr absl::string_view kSpecials = "^$*+?.([%-";
// The size of a pattern's machine by the bytes of a text: what a search takes at the worst.
constexpr std::uint64_t kMaxWork = 8'000'000;
constexpr std::uint64_t kStepsOfSearch = 20;
constexpr std::uint64_t kBytesInStep = 8;

using Parts = re2::StringPiece[1 + Pattern::kMaxCaptures];

absl::string_view CheckText(lua_State* state, int index) {
  std::size_t size = 0;
  const char* text = luaL_checklstring(state, index, &size);
  return {text, size};
}

// The place, from 0, that an argument means; beyond the text's end if it does.
std::size_t PlaceOf(lua_State* state, int index, std::size_t size) {
  const lua_Integer place = luaL_optinteger(state, index, 1);
  if (place > 0) return static_cast<std::size_t>(place) - 1;
  if (place == 0 || static_cast<std::uint64_t>(-(place + 1)) >= size) return 0;
  return size - static_cast<std::size_t>(-place);
}

// The first match in `text` from `at` on.
bool Search(lua_State* state, const Pattern& pattern, absl::string_view text, std::size_t at, Parts& parts) {
  const absl::string_view rest = text.substr(at);
  if (static_cast<std::uint64_t>(pattern.size()) * rest.size() > kMaxWork) {
    Machine::Raise(state, "the pattern is too large for a text of this length");
  }
  const bool found = pattern.Find(rest, parts);
  const auto* end = found ? parts[0].data() + parts[0].size() : rest.data() + rest.size();
  Machine& machine = Machine::Of(state);
  machine.Charge(state, kStepsOfSearch + static_cast<std::uint64_t>(end - rest.data()) / kBytesInStep);
  machine.CheckTime(state);
  return found;
}

std::size_t Begin(absl::string_view text, const re2::StringPiece& part) {
  return static_cast<std::size_t>(part.data() - text.data());
}

// Pushes the captures; `whole`: the match if there are none. Returns how many.
int PushCaptures(lua_State* state, const Pattern& pattern, absl::string_view text, const Parts& parts, bool whole) {
  const auto& captures = pattern.captures();
  luaL_checkstack(state, static_cast<int>(captures.size()) + 1, "too many captures");
  if (captures.empty() && whole) lua_pushlstring(state, parts[0].data(), parts[0].size());
  for (std::size_t i = 0; i < captures.size(); ++i) {
    const re2::StringPiece& part = parts[i + 1];
    if (captures[i].is_position) {
      lua_pushinteger(state, static_cast<lua_Integer>(Begin(text, part)) + 1);
    } else {
      lua_pushlstring(state, part.data(), part.size());
    }
  }
  return captures.empty() ? (whole ? 1 : 0) : static_cast<int>(captures.size());
}

void PushRange(lua_State* state, std::size_t begin, std::size_t size) {
  lua_pushinteger(state, static_cast<lua_Integer>(begin) + 1);
  lua_pushinteger(state, static_cast<lua_Integer>(begin + size));
}

int PushNone(lua_State* state) {
  lua_pushnil(state);
  return 1;
}

int FindPlain(lua_State* state, absl::string_view text, absl::string_view part, std::size_t at) {
  const absl::string_view rest = text.substr(at);
  Machine::Of(state).Charge(state, rest.size() / kBytesInStep);
  // glibc's is linear for every pair of texts.
  const void* found = part.empty() ? rest.data() : ::memmem(rest.data(), rest.size(), part.data(), part.size());
  if (found == nullptr) return PushNone(state);
  PushRange(state, static_cast<std::size_t>(static_cast<const char*>(found) - text.data()), part.size());
  return 2;
}

int Find(lua_State* state) {
  const absl::string_view text = CheckText(state, 1);
  const absl::string_view sought = CheckText(state, 2);
  const std::size_t at = PlaceOf(state, 3, text.size());
  if (at > text.size()) return PushNone(state);
  if (lua_toboolean(state, 4) != 0 || sought.find_first_of(kSpecials) == absl::string_view::npos) {
    return FindPlain(state, text, sought, at);
  }
  const Pattern& pattern = Machine::Of(state).FindPattern(state, sought, true);
  Parts parts;
  if (!Search(state, pattern, text, at, parts)) return PushNone(state);
  PushRange(state, Begin(text, parts[0]), parts[0].size());
  return 2 + PushCaptures(state, pattern, text, parts, false);
}

int Match(lua_State* state) {
  const absl::string_view text = CheckText(state, 1);
  const Pattern& pattern = Machine::Of(state).FindPattern(state, CheckText(state, 2), true);
  const std::size_t at = PlaceOf(state, 3, text.size());
  Parts parts;
  if (at > text.size() || !Search(state, pattern, text, at, parts)) return PushNone(state);
  return PushCaptures(state, pattern, text, parts, true);
}

// A match from `at` on that is not the empty one at `last`.
bool SearchNext(lua_State* state, const Pattern& pattern, absl::string_view text, std::size_t at, std::size_t last,
                Parts& parts) {
  if (at > text.size() || !Search(state, pattern, text, at, parts)) return false;
  if (!parts[0].empty() || Begin(text, parts[0]) != last) return true;
  return !pattern.anchored() && last < text.size() && Search(state, pattern, text, last + 1, parts);
}

// The iterator of gmatch: upvalues are the text, the pattern, and where the last match ended (-1: there was none) and
// the next may begin.
int NextMatch(lua_State* state) {
  const absl::string_view text = CheckText(state, lua_upvalueindex(1));
  const Pattern& pattern = Machine::Of(state).FindPattern(state, CheckText(state, lua_upvalueindex(2)), false);
  const auto last = static_cast<std::size_t>(lua_tointeger(state, lua_upvalueindex(3)));
  const auto at = static_cast<std::size_t>(lua_tointeger(state, lua_upvalueindex(4)));
  Parts parts;
  if (!SearchNext(state, pattern, text, at, last, parts)) return PushNone(state);
  const auto end = static_cast<lua_Integer>(Begin(text, parts[0]) + parts[0].size());
  lua_pushinteger(state, end);
  lua_copy(state, -1, lua_upvalueindex(3));
  lua_replace(state, lua_upvalueindex(4));
  return PushCaptures(state, pattern, text, parts, true);
}

int GMatch(lua_State* state) {
  const absl::string_view text = CheckText(state, 1);
  CheckText(state, 2);
  const std::size_t at = PlaceOf(state, 3, text.size());
  lua_settop(state, 2);
  lua_pushinteger(state, -1);
  lua_pushinteger(state, static_cast<lua_Integer>(std::min(at, text.size() + 1)));
  lua_pushcclosure(state, NextMatch, 4);
  return 1;
}

}  // namespace

const luaL_Reg kPatternFunctions[] = {{"find", Find}, {"gmatch", GMatch}, {"match", Match}, {nullptr, nullptr}};

int Scan(lua_State* state) {
  const absl::string_view text = CheckText(state, 1);
  const Pattern& pattern = Machine::Of(state).FindPattern(state, CheckText(state, 2), true);
  const auto at = static_cast<std::size_t>(lua_tointeger(state, 3)) - 1;
  const auto last = static_cast<std::size_t>(lua_tointeger(state, 4)) - 1;
  const bool fresh = lua_toboolean(state, 5) != 0;
  Parts parts;
  if ((pattern.anchored() && !fresh) || !SearchNext(state, pattern, text, at, last, parts)) return 0;
  PushRange(state, Begin(text, parts[0]), parts[0].size());
  return 2 + PushCaptures(state, pattern, text, parts, true);
}

int Expand(lua_State* state) {
  const absl::string_view text = CheckText(state, 1);
  const absl::string_view replacement = CheckText(state, 2);
  const auto from = static_cast<std::size_t>(lua_tointeger(state, 3)) - 1;
  const auto to = static_cast<std::size_t>(lua_tointeger(state, 4));
  constexpr int kBeforeCaptures = 4;
  const int captures = lua_gettop(state) - kBeforeCaptures;
  luaL_Buffer out;
  luaL_buffinit(state, &out);
  for (std::size_t i = 0; i < replacement.size(); ++i) {
    if (replacement[i] != '%') {
      luaL_addchar(&out, replacement[i]);
      continue;
    }
    const char c = ++i < replacement.size() ? replacement[i] : '\0';
    if (c == '%') {
      luaL_addchar(&out, c);
    } else if (c == '0') {
      luaL_addlstring(&out, text.data() + from, to - from);
    } else if (absl::ascii_isdigit(static_cast<unsigned char>(c))) {
      if (c - '0' > captures) luaL_error(state, "invalid capture index %%%d in replacement string", c - '0');
      lua_pushvalue(state, kBeforeCaptures + (c - '0'));
      luaL_addvalue(&out);
    } else {
      luaL_error(state, "invalid use of '%%' in replacement string");
    }
  }
  luaL_pushresult(&out);
  return 1;
}

}  // namespace dspex::library
