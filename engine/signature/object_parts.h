#pragma once

#include <cstddef>
#include <initializer_list>
#include <optional>

#include "engine/json/json.h"

namespace dspex {

/// How the value of one key of an object is read.
enum class Part { kText, kTextOrNone, kInt, kBool, kAny };

struct ObjectKey {
  const char* name;
  Part part;
  /// Null where it is required.
  const char* default_json = nullptr;
};

/// Keeps those keys of an object, in that order, with defaults for what is missing. How many were given; none if it
/// does not fit.
std::optional<std::size_t> ReadObject(std::initializer_list<ObjectKey> keys, Json& value);

/// The value of a key; null if there is none.
Json* FindMember(Json& object, const char* key);

}  // namespace dspex
