#pragma once

#include <absl/status/statusor.h>

#include <lua5.4/lua.hpp>

#include "engine/json/json.h"

namespace dspex {

/// Pushes a value: an object becomes a table without its nulls, a list a table from 1 whose nulls are `null` (a light
/// userdata), an integer beyond 64 bits with sign a float. Raises an error of Lua if memory or the stack runs out.
void PushJson(lua_State* state, const Json& value);

/// The value at `index`: a table whose keys are 1 to n is a list (an empty one, too), one with keys of texts an object
/// in the order of its keys. INVALID_ARGUMENT for what JSON does not have: a function, a table with other keys, one
/// that holds itself or is nested deep, text that is not UTF-8. Raises nothing.
absl::StatusOr<Json> ToJson(lua_State* state, int index);

}  // namespace dspex
