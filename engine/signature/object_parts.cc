#include "engine/signature/object_parts.h"

#include <nlohmann/json.hpp>
#include <utility>

#include "engine/signature/lax.h"

namespace dspex {

namespace {

bool ReadPart(Part part, Json& value) {
  switch (part) {
    case Part::kText:
      return value.is_string();
    case Part::kTextOrNone:
      return value.is_string() || value.is_null();
    case Part::kInt: {
      std::optional<Json> integer = LaxInt(value);
      if (!integer.has_value()) return false;
      value = *std::move(integer);
      return true;
    }
    case Part::kBool: {
      const std::optional<bool> boolean = LaxBool(value);
      if (!boolean.has_value()) return false;
      value = *boolean;
      return true;
    }
    case Part::kAny:
      return true;
  }
  return false;
}

}  // namespace

Json* FindMember(Json& object, const char* key) {
  const auto found = object.find(key);
  return found == object.end() ? nullptr : &*found;
}

std::optional<std::size_t> ReadObject(std::initializer_list<ObjectKey> keys, Json& value) {
  if (!value.is_object()) return std::nullopt;
  std::size_t given = 0;
  Json::object_t members;
  members.reserve(keys.size());
  for (const ObjectKey& key : keys) {
    if (Json* member = FindMember(value, key.name)) {
      if (!ReadPart(key.part, *member)) return std::nullopt;
      members.emplace_back(key.name, std::move(*member));
      ++given;
    } else if (key.default_json != nullptr) {
      members.emplace_back(key.name, Json::parse(key.default_json));
    } else {
      return std::nullopt;
    }
  }
  value = Json(std::move(members));
  return given;
}

}  // namespace dspex
