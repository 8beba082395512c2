#include <absl/strings/str_cat.h>

#include <algorithm>
#include <nlohmann/json.hpp>
#include <utility>
#include <vector>

#include "engine/signature/json_schema.h"
#include "engine/signature/prefix.h"
#include "engine/signature/schema_composer.h"
#include "engine/signature/schema_references.h"

namespace dspex {

namespace {

using Kind = Type::Kind;

// References with something beside them are followed, within each other too. DSPy's client does that without a bound.
constexpr int kMaxReferences = 32;
constexpr int kMaxSchemas = 100'000;

bool IsObject(const Json& schema) {
  const auto type = schema.find("type");
  return type != schema.end() && *type == "object";
}

// Room for keys to come: growth would copy all that an object holds.
void Reserve(Json& schema, std::size_t more) {
  auto& members = schema.get_ref<Json::object_t&>();
  members.reserve(members.size() + more);
}

Json Names(const Json& properties) {
  Json names = Json::array();
  for (const auto& [name, schema] : properties.get_ref<const Json::object_t&>()) names.push_back(name);
  return names;
}

// What DSPy's adapter does to the schema: objects are closed and all of their properties required, in properties, in
// the items of arrays and in definitions, but in no other place.
void Close(Json& schema) {
  if (!schema.is_object()) return;
  Reserve(schema, 3);
  if (IsObject(schema)) {
    if (const auto properties = schema.find("properties"); properties != schema.end() && properties->is_object()) {
      Json names = Names(*properties);
      for (auto& [name, property] : properties->get_ref<Json::object_t&>()) Close(property);
      schema["required"] = std::move(names);
    } else {
      schema["properties"] = Json::object();
      schema["required"] = Json::array();
    }
    schema["additionalProperties"] = false;
  }
  const auto type = schema.find("type");
  if (type != schema.end() && *type == "array") {
    if (const auto items = schema.find("items"); items != schema.end()) Close(*items);
  }
  if (const auto definitions = schema.find("$defs"); definitions != schema.end() && definitions->is_object()) {
    for (auto& [name, definition] : definitions->get_ref<Json::object_t&>()) Close(definition);
  }
}

// What its client does before it sends the schema.
class StrictForm {
 public:
  explicit StrictForm(const Json& root) : root_(root) {}

  // Whether references led too far: what was made is then of no use.
  bool endless() const { return endless_; }

  Json Make(Json out, int references = 0) {
    endless_ = endless_ || ++schemas_ > kMaxSchemas || references > kMaxReferences;
    if (endless_ || !out.is_object()) return out;
    Reserve(out, 2);
    if (const auto definitions = out.find("$defs"); definitions != out.end() && definitions->is_object()) {
      MakeMembers(*definitions, references);
    }
    if (IsObject(out) && !out.contains("additionalProperties")) out["additionalProperties"] = false;
    if (const auto properties = out.find("properties"); properties != out.end() && properties->is_object()) {
      Json names = Names(*properties);
      MakeMembers(*properties, references);
      out["required"] = std::move(names);
    }
    if (const auto items = out.find("items"); items != out.end() && items->is_object()) {
      *items = Make(std::move(*items), references);
    }
    MakeAlternatives(out, references);
    if (const auto value = out.find("default"); value != out.end() && value->is_null()) out.erase("default");
    return WithoutReference(std::move(out), references);
  }

 private:
  void MakeMembers(Json& members, int references) {
    for (auto& [name, member] : members.get_ref<Json::object_t&>()) member = Make(std::move(member), references);
  }

  void MakeAlternatives(Json& schema, int references) {
    if (const auto any_of = schema.find("anyOf"); any_of != schema.end() && any_of->is_array()) {
      for (Json& alternative : *any_of) alternative = Make(std::move(alternative), references);
    }
    const auto all_of = schema.find("allOf");
    if (all_of == schema.end() || !all_of->is_array()) return;
    if (all_of->size() != 1) {
      for (Json& part : *all_of) part = Make(std::move(part), references);
      return;
    }
    const Json only = Make(std::move(all_of->front()), references);
    schema.erase("allOf");
    if (!only.is_object()) return;
    for (const auto& [key, value] : only.get_ref<const Json::object_t&>()) schema[key] = value;
  }

  // A reference with something beside it becomes what it refers to, with that in place of the same there.
  Json WithoutReference(Json schema, int references) {
    const auto reference = schema.find("$ref");
    if (reference == schema.end() || !reference->is_string() || schema.size() == 1) return schema;
    const std::string name = ReferredName(Json{{"$ref", *reference}});
    const auto definitions = root_.find("$defs");
    if (definitions == root_.end() || !definitions->contains(name) || !(*definitions)[name].is_object()) {
      return schema;
    }
    Json out = (*definitions)[name];
    Reserve(out, schema.size() + 2);
    out = Make(std::move(out), references + 1);
    for (const auto& [key, value] : schema.get_ref<const Json::object_t&>()) {
      if (key != "$ref") out[key] = value;
    }
    return out;
  }

  const Json& root_;
  int schemas_ = 0;
  bool endless_ = false;
};

// Whether pydantic gives a property of this type a title: not to what has a name of its own.
bool HasTitle(const Type& type) {
  if (type.named != nullptr) return type.named->in_place;
  if (type.kind != Kind::kUnion) return !IsDspyType(type.kind);
  // One type that may be null is as that type.
  return type.arguments.size() != 2 || !type.AllowsNone() ||
         std::all_of(type.arguments.begin(), type.arguments.end(), HasTitle);
}

}  // namespace

std::optional<Json> OutputSchema(const Signature& signature, bool native_tool_calls, const BuiltinSchemas& builtin) {
  SchemaComposer composer(builtin);
  Json properties = Json::object();
  Json required = Json::array();
  for (const Field& field : signature.outputs()) {
    const Type& type = field.type;
    const bool tool_calls = type.kind == Kind::kToolCalls && type.named == nullptr;
    if (tool_calls && native_tool_calls) continue;
    // A bare dict is no dict[...] to DSPy: it becomes an object without properties.
    const bool open = type.kind == Kind::kDict && type.named == nullptr && !type.arguments.empty();
    if (tool_calls || open) return std::nullopt;
    Json schema = composer.Write(type);
    if (field.default_value != nullptr) {
      schema["default"] = *field.default_value;
    } else {
      required.push_back(field.name);
    }
    if (!schema.contains("title") && HasTitle(type)) schema["title"] = InferTitle(field.name);
    properties[field.name] = std::move(schema);
  }
  if (composer.has_invalid()) return std::nullopt;
  Json root{{"additionalProperties", false},
            {"properties", std::move(properties)},
            {"title", std::string(kOutputSchemaName)},
            {"type", "object"}};
  if (!required.empty()) root["required"] = std::move(required);
  root = composer.Finish(std::move(root));
  Close(root);
  StrictForm strict(root);
  Json schema = strict.Make(root);
  if (strict.endless()) return std::nullopt;
  return schema;
}

}  // namespace dspex
