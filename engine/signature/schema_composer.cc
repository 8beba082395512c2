#include "engine/signature/schema_composer.h"

#include <absl/strings/match.h>
#include <absl/strings/str_cat.h>

#include <algorithm>
#include <nlohmann/json.hpp>
#include <type_traits>
#include <utility>
#include <variant>
#include <vector>

#include "engine/json/python_format.h"
#include "engine/signature/schema_references.h"

namespace dspex {

namespace {

using Kind = Type::Kind;

Json Of(const char* type) { return Json{{"type", type}}; }
Json Of(const char* type, const char* format) { return Json{{"format", format}, {"type", type}}; }

Json ToJson(const Type::LiteralValue& literal) {
  return std::visit(
      [](const auto& value) {
        if constexpr (std::is_same_v<std::decay_t<decltype(value)>, std::monostate>) {
          return Json(nullptr);
        } else {
          return Json(value);
        }
      },
      literal);
}

Json WriteLiteral(const Type& type) {
  Json values = Json::array();
  for (const Type::LiteralValue& literal : type.literals) values.push_back(ToJson(literal));
  Json schema = Json::object();
  if (values.size() == 1) {
    schema["const"] = std::move(values[0]);
  } else {
    schema["enum"] = std::move(values);
  }
  const std::size_t kind = type.literals.empty() ? 0 : type.literals.front().index();
  const bool one_kind = std::all_of(type.literals.begin(), type.literals.end(),
                                    [kind](const Type::LiteralValue& value) { return value.index() == kind; });
  static constexpr const char* kNames[] = {"null", "boolean", "integer", "string"};
  // Several Nones cannot be.
  if (one_kind) schema["type"] = kNames[kind];
  return schema;
}

// Text that is equal for schemas that Python's == holds equal: keys in any order, True as 1.
void AppendKey(std::string& out, const Json& value) {
  if (value.is_object()) {
    std::vector<std::string> members;
    for (const auto& [key, member] : value.get_ref<const Json::object_t&>()) {
      AppendKey(members.emplace_back(absl::StrCat(key.size(), ":", key)), member);
    }
    std::sort(members.begin(), members.end());
    absl::StrAppend(&out, "{");
    for (const std::string& member : members) absl::StrAppend(&out, member, ",");
    absl::StrAppend(&out, "}");
  } else if (value.is_array()) {
    absl::StrAppend(&out, "[");
    for (const Json& element : value) {
      AppendKey(out, element);
      absl::StrAppend(&out, ",");
    }
    absl::StrAppend(&out, "]");
  } else if (value.is_boolean()) {
    absl::StrAppend(&out, value.get<bool>() ? 1 : 0);
  } else if (value.is_string()) {
    const auto& text = value.get_ref<const std::string&>();
    absl::StrAppend(&out, "\"", text.size(), ":", text);
  } else if (value.is_number_float()) {
    AppendPythonFloat(out, value.get<double>());
    if (absl::EndsWith(out, ".0")) out.resize(out.size() - 2);
  } else {
    absl::StrAppend(&out, value.is_null() ? "null" : absl::StrCat(value.get<std::int64_t>()));
  }
}

// Flat, each schema once: in the place of the first, as the last is written.
Json AnyOf(std::vector<Json> schemas) {
  std::vector<Json> members;
  absl::flat_hash_map<std::string, std::size_t> places;
  const auto add = [&](Json schema) {
    std::string key;
    AppendKey(key, schema);
    const auto [place, inserted] = places.try_emplace(std::move(key), members.size());
    if (inserted) {
      members.push_back(std::move(schema));
    } else {
      members[place->second] = std::move(schema);
    }
  };
  for (Json& schema : schemas) {
    if (schema.size() == 1 && schema.contains("anyOf")) {
      for (Json& member : schema["anyOf"]) add(std::move(member));
    } else {
      add(std::move(schema));
    }
  }
  if (members.size() == 1) return std::move(members.front());
  return Json{{"anyOf", std::move(members)}};
}

}  // namespace

Json SchemaComposer::Write(const Type& type) {
  if (type.named != nullptr) return WriteDeclared(*type.named);
  const auto element = [&] { return type.arguments.empty() ? Json::object() : Write(type.arguments[0]); };
  switch (type.kind) {
    case Kind::kStr:
      return Of("string");
    case Kind::kInt:
      return Of("integer");
    case Kind::kFloat:
      return Of("number");
    case Kind::kBool:
      return Of("boolean");
    case Kind::kNone:
      return Of("null");
    case Kind::kAny:
      return Json::object();
    case Kind::kBytes:
      return Of("string", "binary");
    case Kind::kDate:
      return Of("string", "date");
    case Kind::kTime:
      return Of("string", "time");
    case Kind::kDatetime:
      return Of("string", "date-time");
    case Kind::kTimedelta:
      return Of("string", "duration");
    case Kind::kUuid:
      return Of("string", "uuid");
    case Kind::kDecimal:
      return Json{{"anyOf", Json::array({Of("number"), Of("string")})}};
    case Kind::kList:
      return Json{{"items", element()}, {"type", "array"}};
    case Kind::kSet:
    case Kind::kFrozenSet:
      return Json{{"items", element()}, {"type", "array"}, {"uniqueItems", true}};
    case Kind::kDict:
      return WriteDict(type);
    case Kind::kTuple:
      return WriteTuple(type);
    case Kind::kUnion:
      return WriteUnion(type);
    case Kind::kLiteral:
      return WriteLiteral(type);
    default:
      return WriteBuiltin(type);
  }
}

// pydantic reads a union with None as something that may be null: null comes last.
Json SchemaComposer::WriteUnion(const Type& type) {
  std::vector<Json> schemas;
  const auto is_none = [](const Type& one) { return one.kind == Kind::kNone && one.named == nullptr; };
  const auto nones = std::count_if(type.arguments.begin(), type.arguments.end(), is_none);
  const bool nullable = nones > 0;
  const bool several = type.arguments.size() - static_cast<std::size_t>(nones) > 1;
  for (const Type& alternative : type.arguments) {
    if (is_none(alternative)) continue;
    const bool had_invalid = std::exchange(has_invalid_, false);
    Json schema = Write(alternative);
    // Of several, one that has no schema is left out.
    if (!has_invalid_ || !several) schemas.push_back(std::move(schema));
    has_invalid_ = had_invalid || (has_invalid_ && !several);
  }
  Json schema = schemas.size() == 1 ? std::move(schemas.front()) : AnyOf(std::move(schemas));
  if (!nullable || schema == Of("null")) return schema;
  std::vector<Json> with_null;
  with_null.push_back(std::move(schema));
  with_null.push_back(Of("null"));
  return AnyOf(std::move(with_null));
}

Json SchemaComposer::WriteDict(const Type& type) {
  if (type.arguments.size() < 2) return Json{{"additionalProperties", true}, {"type", "object"}};
  Json keys = Write(type.arguments[0]);
  Json values = Write(type.arguments[1]);
  Json schema = Json::object();
  schema["additionalProperties"] = values.empty() ? Json(true) : std::move(values);
  const bool text = keys.contains("type") && keys["type"] == "string" && keys.size() > 1;
  if (text || keys.contains("$ref")) {
    keys.erase("type");
    schema["propertyNames"] = std::move(keys);
  }
  schema["type"] = "object";
  return schema;
}

Json SchemaComposer::WriteTuple(const Type& type) {
  if (type.variadic) {
    return Json{{"items", type.arguments.empty() ? Json::object() : Write(type.arguments[0])}, {"type", "array"}};
  }
  Json schema{{"maxItems", type.arguments.size()}, {"minItems", type.arguments.size()}};
  if (!type.arguments.empty()) {
    Json elements = Json::array();
    for (const Type& argument : type.arguments) elements.push_back(Write(argument));
    schema["prefixItems"] = std::move(elements);
  }
  schema["type"] = "array";
  return schema;
}

Json SchemaComposer::Refer(const std::string& name) { return Json{{"$ref", absl::StrCat(kReferencePrefix, name)}}; }

Json SchemaComposer::WriteDeclared(const NamedType& type) {
  if (type.in_place) {
    for (const NamedType* reference : type.references) Define(*reference);
    return InPydanticOrder(SchemaOf(type));
  }
  Define(type);
  return Refer(type.name);
}

void SchemaComposer::Define(const NamedType& type) {
  // Without recursion: types may refer to each other in a long chain.
  std::vector<const NamedType*> open = {&type};
  while (!open.empty()) {
    const NamedType& next = *open.back();
    open.pop_back();
    const auto [definition, inserted] = definitions_.try_emplace(next.name);
    if (!inserted) continue;
    definition->second = InPydanticOrder(SchemaOf(next));
    open.insert(open.end(), next.references.begin(), next.references.end());
  }
}

Json SchemaComposer::WriteBuiltin(const Type& type) {
  if (type.kind == Kind::kTool) {
    has_invalid_ = true;
    ++tools_;
  }
  std::string name = type.ToString();
  if (type.kind == Kind::kReasoning) name = "Reasoning";
  const std::string title = name;
  for (char& c : name) {
    if (!(c == '_' || c == '-' || (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'))) c = '_';
  }
  if (definitions_.contains(name)) return Refer(name);
  Json schema = Of("object");
  if (type.kind == Kind::kCode && !type.language.empty()) {
    // The class of a language has no docstring.
    schema = Json{{"properties", {{"code", {{"title", "Code"}, {"type", "string"}}}}},
                  {"required", Json::array({"code"})},
                  {"title", title},
                  {"type", "object"}};
  } else if (const Json* known = builtin_ == nullptr ? nullptr : builtin_(type); known != nullptr) {
    schema = InPydanticOrder(*known);
    if (const auto nested = schema.find("$defs"); nested != schema.end()) {
      for (auto& [key, definition] : nested->get_ref<Json::object_t&>()) definitions_.try_emplace(key, definition);
      schema.erase("$defs");
    }
  }
  definitions_.try_emplace(name, std::move(schema));
  return Refer(name);
}

Json SchemaComposer::Finish(Json root) {
  const std::string name = ReferredName(root);
  const auto definition = definitions_.find(name);
  if (definition != definitions_.end() && !ReferredNames(definition->second, definitions_).contains(name)) {
    root = std::move(definition->second);
    definitions_.erase(definition);
  }
  const absl::flat_hash_set<std::string> names = ReferredNames(root, definitions_);
  Json::object_t definitions;
  for (auto& [key, schema] : definitions_) {
    if (names.contains(key)) definitions.emplace_back(key, std::move(schema));
  }
  definitions_.clear();
  if (!definitions.empty()) root["$defs"] = std::move(definitions);
  return InPydanticOrder(root);
}

}  // namespace dspex
