#include "engine/adapter/json_schema.h"

#include <algorithm>
#include <nlohmann/json.hpp>
#include <type_traits>
#include <utility>
#include <variant>

namespace dspex {

namespace {

Json Named(const char* type) {
  Json schema = Json::object();
  schema["type"] = type;
  return schema;
}

Json Named(const char* type, const char* key, Json value) {
  Json schema = Named(type);
  schema[key] = std::move(value);
  return schema;
}

Json LiteralSchema(const Type& type) {
  Json values = Json::array();
  for (const Type::LiteralValue& literal : type.literals) {
    std::visit(
        [&values](const auto& value) {
          if constexpr (std::is_same_v<std::decay_t<decltype(value)>, std::monostate>) {
            values.push_back(nullptr);
          } else {
            values.push_back(value);
          }
        },
        literal);
  }
  Json schema = Json::object();
  const std::size_t kind = type.literals.empty() ? 0 : type.literals.front().index();
  const bool one_kind = std::all_of(type.literals.begin(), type.literals.end(),
                                    [kind](const Type::LiteralValue& value) { return value.index() == kind; });
  static constexpr const char* kNames[] = {"null", "boolean", "integer", "string"};
  if (one_kind) schema["type"] = kNames[kind];
  if (values.size() == 1) {
    schema["const"] = std::move(values[0]);
  } else {
    schema["enum"] = std::move(values);
  }
  return schema;
}

}  // namespace

Json JsonSchema(const Type& type) {
  switch (type.kind) {
    case Type::Kind::kStr:
      return Named("string");
    case Type::Kind::kInt:
      return Named("integer");
    case Type::Kind::kFloat:
      return Named("number");
    case Type::Kind::kBool:
      return Named("boolean");
    case Type::Kind::kNone:
      return Named("null");
    case Type::Kind::kAny:
      return Json::object();
    case Type::Kind::kList:
      return Named("array", "items", type.arguments.empty() ? Json::object() : JsonSchema(type.arguments[0]));
    case Type::Kind::kDict:
      // JSON's keys are strings, whatever the type of the keys.
      return Named("object", "additionalProperties",
                   type.arguments.size() < 2 ? Json(true) : JsonSchema(type.arguments[1]));
    case Type::Kind::kUnion: {
      Json alternatives = Json::array();
      for (const Type& alternative : type.arguments) alternatives.push_back(JsonSchema(alternative));
      Json schema = Json::object();
      schema["anyOf"] = std::move(alternatives);
      return schema;
    }
    case Type::Kind::kLiteral:
      return LiteralSchema(type);
  }
  return Json::object();
}

}  // namespace dspex
