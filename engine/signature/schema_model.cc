#include "engine/signature/schema_model.h"

#include <absl/container/flat_hash_map.h>
#include <absl/strings/str_cat.h>

#include <algorithm>
#include <nlohmann/json.hpp>
#include <utility>

#include "engine/json/utf8.h"
#include "engine/signature/prefix.h"
#include "engine/signature/schema_type.h"

namespace dspex {

namespace {

using Kind = Type::Kind;

// What pydantic makes of a class's name under "$defs".
std::string DefinitionName(absl::string_view title) {
  std::string name;
  for (std::size_t position = 0; position < title.size();) {
    const std::size_t size = std::max<std::size_t>(DecodeUtf8(title, position).size, 1);
    const char c = title[position];
    const bool plain = size == 1 && ((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
                                     c == '-' || c == '_');
    absl::StrAppend(&name, c == '.' ? "__" : plain ? absl::string_view(&c, 1) : "_");
    position += size;
  }
  return name;
}

// Whether a type has values, where these models do.
bool HasValues(const Type& type, const absl::flat_hash_set<const NamedType*>& inhabited) {
  const auto has = [&inhabited](const Type& argument) { return HasValues(argument, inhabited); };
  switch (type.kind) {
    case Kind::kModel:
      return inhabited.contains(type.named.get());
    case Kind::kUnion:
      return std::any_of(type.arguments.begin(), type.arguments.end(), has);
    case Kind::kTuple:
      return type.variadic || std::all_of(type.arguments.begin(), type.arguments.end(), has);
    case Kind::kList:
    case Kind::kSet:
    case Kind::kDict: {
      const bool may_be_empty = type.constraints == nullptr || type.constraints->min_length.value_or(0) == 0;
      return may_be_empty || std::all_of(type.arguments.begin(), type.arguments.end(), has);
    }
    default:
      return true;
  }
}

}  // namespace

std::string TextOf(const Json* value) {
  return value != nullptr && value->is_string() ? value->get<std::string>() : std::string();
}

std::string ShownName(const std::string& name, const SchemaKeywords& keywords) {
  if (const std::string marked = TextOf(keywords.marked_name); !marked.empty()) return marked;
  if (keywords.title == nullptr || !keywords.title->is_string()) return name;
  const auto& title = keywords.title->get_ref<const std::string&>();
  const std::string made = DefinitionName(title);
  const absl::string_view given = name;
  const bool qualified = given.size() > made.size() + 2 && given.substr(given.size() - made.size()) == made &&
                         given.substr(given.size() - made.size() - 2, 2) == "__";
  return !made.empty() && (given == made || qualified) ? title : name;
}

absl::StatusOr<NamedType::Extra> ReadExtra(const SchemaKeywords& keywords, const SchemaPath& path) {
  const Json* additional = keywords.additional_properties;
  if (additional == nullptr) return NamedType::Extra::kIgnore;
  if (additional->is_boolean()) return additional->get<bool>() ? NamedType::Extra::kAllow : NamedType::Extra::kForbid;
  if (additional->is_object() && additional->empty()) return NamedType::Extra::kAllow;
  return SchemaError(path.Below("additionalProperties"), "further properties of one type have no equal among types",
                     "Use true or false, or a field that is a dict.");
}

absl::Status ReadRequired(const SchemaKeywords& keywords, const SchemaPath& path,
                          absl::flat_hash_set<absl::string_view>& required) {
  if (keywords.required == nullptr) return absl::OkStatus();
  const auto is_text = [](const Json& name) { return name.is_string(); };
  if (!keywords.required->is_array() || !std::all_of(keywords.required->begin(), keywords.required->end(), is_text)) {
    return SchemaError(path.Below("required"), "a list of names is expected", "Name the fields.");
  }
  for (const Json& name : *keywords.required) required.insert(name.get_ref<const std::string&>());
  return absl::OkStatus();
}

absl::Status ReadEnumMembers(const SchemaKeywords& keywords, const SchemaPath& path, std::vector<EnumMember>& members) {
  const Json values = keywords.enumeration == nullptr ? Json::array({*keywords.constant}) : *keywords.enumeration;
  const SchemaPath below = path.Below("enum");
  if (!values.is_array() || values.empty() || values.size() > kMaxSchemaMembers) {
    return SchemaError(below, absl::StrCat("a list of 1 to ", kMaxSchemaMembers, " values is expected"),
                       "List what the value can be.");
  }
  const Json* names = keywords.marked_members;
  if (names != nullptr && (!names->is_array() || names->size() != values.size())) {
    return SchemaError(path.Below("x-enum-varnames"), "a name is expected for each value", "List as many names.");
  }
  for (std::size_t i = 0; i < values.size(); ++i) {
    if (values[i].is_structured()) {
      return SchemaError(below, "a choice is a string, a number, true, false or null", "Leave lists and objects out.");
    }
    members.push_back({.name = names == nullptr ? std::string() : TextOf(&(*names)[i]),
                       .value = std::make_shared<const Json>(values[i])});
  }
  return absl::OkStatus();
}

NamedType::Mixin ReadMixin(const SchemaKeywords& keywords) {
  const std::string base = TextOf(keywords.marked_base);
  if (base == "str") return NamedType::Mixin::kStr;
  if (base == "int") return NamedType::Mixin::kInt;
  return base == "float" ? NamedType::Mixin::kFloat : NamedType::Mixin::kNone;
}

std::shared_ptr<const Json> SchemaByName(const NamedType& model) {
  absl::flat_hash_map<absl::string_view, absl::string_view> names;
  for (const ModelField& field : model.fields) {
    if (!field.alias.empty()) names.emplace(field.alias, field.name);
  }
  if (names.empty()) return model.schema;
  Json schema = *model.schema;
  Json::object_t properties;
  for (auto& [key, property] : schema["properties"].get_ref<Json::object_t&>()) {
    const auto name = names.find(key);
    if (name == names.end()) {
      properties.emplace_back(key, std::move(property));
      continue;
    }
    // A title that pydantic made is made of the key.
    const auto title = property.is_object() ? property.find("title") : property.end();
    if (title != property.end() && *title == InferTitle(key)) *title = InferTitle(name->second);
    properties.emplace_back(std::string(name->second), std::move(property));
  }
  schema["properties"] = std::move(properties);
  if (const auto required = schema.find("required"); required != schema.end()) {
    for (Json& key : *required) {
      const auto name = names.find(key.get_ref<const std::string&>());
      if (name != names.end()) key = std::string(name->second);
    }
  }
  return std::make_shared<const Json>(std::move(schema));
}

const NamedType* FindEndless(const std::vector<NamedType*>& types) {
  // A model has values if each field that it must have can have one. Known ones make others known.
  absl::flat_hash_set<const NamedType*> inhabited;
  for (bool grown = true; grown;) {
    grown = false;
    for (const NamedType* type : types) {
      if (type->kind != Kind::kModel || inhabited.contains(type)) continue;
      const bool has_values = std::all_of(type->fields.begin(), type->fields.end(), [&](const ModelField& field) {
        return !field.required || HasValues(field.type, inhabited);
      });
      if (has_values) grown = inhabited.insert(type).second || grown;
    }
  }
  const auto endless = std::find_if(types.begin(), types.end(), [&inhabited](const NamedType* type) {
    return type->kind == Kind::kModel && !inhabited.contains(type);
  });
  return endless == types.end() ? nullptr : *endless;
}

}  // namespace dspex
