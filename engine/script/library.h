#pragma once

#include <lua5.4/lua.hpp>

/// The functions of the sandbox's library that are not Lua's own, or stand before Lua's own, which is then the first
/// upvalue. They take and give what the functions of those names in Lua do, unless said otherwise.
namespace dspex::library {

// library_base.cc

/// Calls Lua's own function in the place of the present one, so that its errors are of the same name and line.
int CallOwn(lua_State* state);

/// Goes through a copy of the keys: numbers, then texts, then bools, each in order. Another key raises an error.
int Pairs(lua_State* state);
/// Of what has no text, the kind and no address.
int ToString(lua_State* state);
/// Without %p.
int Format(lua_State* state);
int Repeat(lua_State* state);

// library_table.cc

int Insert(lua_State* state);
int Remove(lua_State* state);
int Move(lua_State* state);
/// table.sort without a function that compares: numbers only, or texts only.
int SortPlain(lua_State* state);

// library_patterns.cc

/// find, gmatch and match.
extern const luaL_Reg kPatternFunctions[];
/// scan(text, pattern, at, last, fresh): the next match of a gsub as from, to, captures (the whole if there are none),
/// or nothing. One that is empty and ends before `last` is none; an anchored one is only if nothing was before.
int Scan(lua_State* state);
/// expand(text, replacement, from, to, captures...): the replacement with its %0 to %9 filled in.
int Expand(lua_State* state);

}  // namespace dspex::library
