#include "engine/signature/type_table_reader.h"

#include <absl/container/flat_hash_set.h>
#include <absl/strings/str_cat.h>

#include <algorithm>
#include <nlohmann/json.hpp>
#include <utility>

#include "engine/base/error.h"
#include "engine/base/reasons.h"
#include "engine/json/utf8.h"
#include "engine/signature/schema_model.h"
#include "engine/signature/tokenizer.h"

namespace dspex {

namespace {

using Kind = Type::Kind;

constexpr std::size_t kMaxBytes = std::size_t{256} << 10;
constexpr std::size_t kMaxTypes = 1000;
// Names that are no models are copied to where they stand, which could grow beyond bound.
constexpr std::size_t kMaxCopied = 100'000;
// Of a declaration's JSON: schemas, each in a list or object of its parent's.
constexpr std::size_t kMaxJsonDepth = 3 * kMaxSchemaDepth;

absl::Status TooMuch(absl::string_view problem) {
  return Error(absl::StatusCode::kInvalidArgument, reason::kInvalidSignature,
               absl::StrCat("The declared types cannot be read: ", problem, ". Declare less."))
      .With("type", "")
      .With("path", "#");
}

// About the bytes of a declaration's text, without recursion; no more than `limit` of them are counted.
std::size_t Measure(const Json& schema, std::size_t limit, bool& too_deep) {
  std::size_t bytes = 0;
  std::vector<std::pair<const Json*, std::size_t>> open = {{&schema, 1}};
  while (!open.empty() && bytes <= limit) {
    const auto [value, depth] = open.back();
    open.pop_back();
    bytes += 4;
    too_deep = too_deep || depth > kMaxJsonDepth;
    if (value->is_string()) bytes += value->get_ref<const std::string&>().size();
    if (value->is_array()) {
      for (const Json& element : value->get_ref<const Json::array_t&>()) open.emplace_back(&element, depth + 1);
    } else if (value->is_object()) {
      for (const auto& [key, member] : value->get_ref<const Json::object_t&>()) {
        bytes += key.size() + 4;
        open.emplace_back(&member, depth + 1);
      }
    }
  }
  return bytes;
}

struct Extent {
  std::size_t parts = 1;
  int depth = 1;
};

Extent Measure(const Type& type) {
  Extent extent{.parts = 1 + type.literals.size()};
  for (const Type& argument : type.arguments) {
    const Extent inner = Measure(argument);
    extent.parts += inner.parts;
    extent.depth = std::max(extent.depth, inner.depth + 1);
  }
  return extent;
}

// A reference from within the table, which does not own it.
std::shared_ptr<const NamedType> Unowned(const NamedType* type) {
  return std::shared_ptr<const NamedType>(std::shared_ptr<void>(), type);
}

}  // namespace

TypeTableReader::TypeTableReader() : table_(new TypeTable()) {}

absl::StatusOr<std::shared_ptr<const TypeTable>> TypeTable::Create(const std::vector<Declaration>& declarations) {
  return TypeTableReader().Read(declarations);
}

absl::StatusOr<std::shared_ptr<const TypeTable>> TypeTableReader::Read(
    const std::vector<TypeTable::Declaration>& declarations) {
  std::size_t bytes = 0;
  bool too_deep = false;
  for (const TypeTable::Declaration& declaration : declarations) {
    bytes += Measure(*declaration.schema, kMaxBytes, too_deep);
    if (bytes > kMaxBytes) return TooMuch(absl::StrCat("they have more than ", kMaxBytes, " bytes"));
    if (too_deep) return TooMuch(absl::StrCat("they are nested deeper than ", kMaxSchemaDepth, " schemas"));
  }
  for (const TypeTable::Declaration& declaration : declarations) {
    absl::Status status = Collect(declaration);
    if (!status.ok()) return status;
  }
  for (const auto step : {&TypeTableReader::Classify, &TypeTableReader::ReadEntry, &TypeTableReader::ReadReferences}) {
    for (const std::string& name : order_) {
      absl::Status status = (this->*step)(entries_.find(name)->second);
      if (!status.ok()) return status;
    }
  }
  for (const std::string& name : order_) {
    const Entry& entry = entries_.find(name)->second;
    if (entry.target == nullptr) continue;
    entry.type->fields = entry.target->fields;
    entry.type->extra = entry.target->extra;
    entry.type->members = entry.target->members;
    entry.type->schema_by_name = entry.type->schema;
  }
  absl::Status status = CheckInhabited();
  if (!status.ok()) return status;
  return std::shared_ptr<const TypeTable>(std::move(table_));
}

absl::Status TypeTableReader::Collect(const TypeTable::Declaration& declaration) {
  const SchemaPath root{declaration.name};
  if (declaration.name.empty() || NormalizeIdentifier(declaration.name) != declaration.name ||
      IsPythonKeyword(declaration.name)) {
    return SchemaError(root, "its name is no Python identifier",
                       "Use letters, digits and underscores, no digit first, no keyword.");
  }
  const Json& schema = *declaration.schema;
  if (!schema.is_object()) return SchemaError(root, "a schema is expected, an object", "Write {\"type\": ...}.");
  Json own = schema;
  own.erase("$defs");
  // A type that refers to itself is among its own definitions, and its schema says no more than that.
  const bool elsewhere = own.size() == 1 && own.contains("$ref") &&
                         own["$ref"] == absl::StrCat("#/$defs/", declaration.name) && schema.contains("$defs");
  if (!elsewhere) {
    absl::Status status = Declare(declaration.name, std::make_shared<const Json>(std::move(own)));
    if (!status.ok()) return status;
  }
  const auto definitions = schema.find("$defs");
  if (definitions == schema.end()) return absl::OkStatus();
  if (!definitions->is_object()) return SchemaError(root.Below("$defs"), "an object is expected", "Name each type.");
  for (const auto& [name, definition] : definitions->get_ref<const Json::object_t&>()) {
    absl::Status status = Declare(name, std::make_shared<const Json>(definition));
    if (!status.ok()) return status;
  }
  return absl::OkStatus();
}

absl::Status TypeTableReader::Declare(const std::string& name, std::shared_ptr<const Json> schema) {
  const auto [entry, inserted] = entries_.try_emplace(name);
  if (!inserted) {
    std::shared_ptr<const Json>& known = entry->second.schema;
    if (*known == *schema) return absl::OkStatus();
    // Markers may be at one place only.
    const Json plain = WithoutMarkers(*known);
    if (plain == WithoutMarkers(*schema)) {
      if (*known == plain) known = std::move(schema);
      return absl::OkStatus();
    }
    return SchemaError(SchemaPath{name}, "two types that differ have this name", "Give each type a name of its own.");
  }
  entry->second.schema = std::move(schema);
  entry->second.type = Add(name);
  order_.push_back(name);
  table_->by_name_.emplace(entry->second.type->name, entry->second.type);
  if (order_.size() > kMaxTypes) return TooMuch(absl::StrCat("there are more than ", kMaxTypes, " of them"));
  return absl::OkStatus();
}

NamedType* TypeTableReader::Add(std::string name) {
  auto type = std::make_unique<NamedType>();
  type->name = std::move(name);
  types_.push_back(type.get());
  table_->types_.push_back(std::move(type));
  return types_.back();
}

absl::Status TypeTableReader::Classify(Entry& entry) {
  NamedType& type = *entry.type;
  const SchemaPath root{type.name};
  if (!entry.schema->is_object()) return SchemaError(root, "a schema is expected, an object", "Write {\"type\": ...}.");
  absl::Status status = ReadSchemaKeywords(*entry.schema, root, entry.keywords);
  if (!status.ok()) return status;
  const SchemaKeywords& keywords = entry.keywords;
  type.shown = ShownName(type.name, keywords);
  type.schema = std::make_shared<const Json>(WithoutMarkers(*entry.schema));
  type.schema_by_name = type.schema;
  type.description = TextOf(keywords.description);
  const Json* additional = keywords.additional_properties;
  const bool closed = additional != nullptr && additional->is_boolean() && !additional->get<bool>();
  const bool marked = keywords.marked_type != nullptr;
  if (!marked && (keywords.enumeration != nullptr || keywords.constant != nullptr)) {
    type.kind = Kind::kEnum;
  } else if (!marked && (keywords.properties != nullptr || closed)) {
    type.kind = Kind::kModel;
  } else {
    entry.state = State::kUnread;
  }
  return absl::OkStatus();
}

absl::Status TypeTableReader::ReadEntry(Entry& entry) {
  if (entry.state == State::kUnread) return ReadAlias(entry, 0);
  const SchemaPath root{entry.type->name};
  if (entry.target != nullptr) return absl::OkStatus();
  if (entry.type->kind == Kind::kEnum) {
    entry.type->mixin = ReadMixin(entry.keywords);
    return ReadEnumMembers(entry.keywords, root, entry.type->members);
  }
  return entry.type->kind == Kind::kModel ? ReadModel(entry.keywords, root, 0, *entry.type) : absl::OkStatus();
}

absl::Status TypeTableReader::ReadAlias(Entry& entry, int depth) {
  entry.state = State::kReading;
  absl::StatusOr<Type> value = ReadSchemaType(*entry.schema, SchemaPath{entry.type->name}, depth, *this);
  if (!value.ok()) return value.status();
  entry.state = State::kRead;
  entry.type->kind = value->kind;
  if (value->kind == Kind::kModel || value->kind == Kind::kEnum) {
    const Entry& named = entries_.find(value->named->name)->second;
    entry.target = named.target != nullptr ? named.target : named.type;
  }
  entry.type->value = *std::move(value);
  return absl::OkStatus();
}

absl::StatusOr<Type> TypeTableReader::Refer(absl::string_view name, const SchemaPath& path, int depth) {
  const auto found = entries_.find(name);
  if (found == entries_.end()) {
    return SchemaError(path, absl::StrCat("no type ", Shorten(name, 60), " is declared"),
                       "Declare it, or put it under $defs.");
  }
  Entry& entry = found->second;
  if (entry.state == State::kReading) {
    return SchemaError(path, "the type refers to itself without an object in between",
                       "Declare an object that holds the reference.");
  }
  if (entry.state == State::kUnread) {
    absl::Status status = ReadAlias(entry, depth + 1);
    if (!status.ok()) return status;
  }
  NamedType& named = *entry.type;
  if (named.kind == Kind::kModel || named.kind == Kind::kEnum)
    return Type{.kind = named.kind, .named = Unowned(&named)};
  Type type = named.value;
  const Extent extent = Measure(type);
  copied_ += extent.parts;
  if (copied_ > kMaxCopied || depth + extent.depth > kMaxSchemaDepth) {
    return SchemaError(path, "types that stand for each other grow too large", "Declare less.");
  }
  type.named = Unowned(&named);
  return type;
}

absl::StatusOr<Type> TypeTableReader::DeclareInPlace(const Json& schema, const SchemaKeywords& keywords,
                                                     const SchemaPath& path, int depth) {
  std::string name = absl::StrCat(path.type, path.Pointer().substr(1));
  NamedType* type = Add(std::move(name));
  type->shown = type->name;
  type->in_place = true;
  type->schema = std::make_shared<const Json>(WithoutMarkers(schema));
  type->schema_by_name = type->schema;
  type->description = TextOf(keywords.description);
  absl::Status status = ReadModel(keywords, path, depth + 1, *type);
  if (!status.ok()) return status;
  return Type{.kind = Kind::kModel, .named = Unowned(type)};
}

absl::Status TypeTableReader::ReadModel(const SchemaKeywords& keywords, const SchemaPath& path, int depth,
                                        NamedType& type) {
  if (keywords.type != nullptr && *keywords.type != "object") {
    return SchemaError(path.Below("type"), "a type with properties is an object", "Write {\"type\": \"object\"}.");
  }
  absl::StatusOr<NamedType::Extra> extra = ReadExtra(keywords, path);
  if (!extra.ok()) return extra.status();
  type.extra = *extra;
  absl::flat_hash_set<absl::string_view> required;
  absl::Status status = ReadRequired(keywords, path, required);
  if (!status.ok() || keywords.properties == nullptr) return status;
  const SchemaPath below = path.Below("properties");
  if (!keywords.properties->is_object() || keywords.properties->size() > kMaxSchemaMembers) {
    return SchemaError(below, absl::StrCat("an object of at most ", kMaxSchemaMembers, " members is expected"),
                       "Name the fields.");
  }
  absl::flat_hash_set<std::string> names;
  for (const auto& [key, schema] : keywords.properties->get_ref<const Json::object_t&>()) {
    const SchemaPath at = below.Below(key);
    absl::StatusOr<ModelField> field = ReadField(key, schema, at, depth + 1);
    if (!field.ok()) return field.status();
    field->required = required.erase(key) > 0;
    if (!names.insert(field->name).second) {
      return SchemaError(at, "two fields have this name", "Give each field a name of its own.");
    }
    type.fields.push_back(*std::move(field));
  }
  type.schema_by_name = SchemaByName(type);
  if (required.empty()) return absl::OkStatus();
  return SchemaError(path.Below("required"), "a field is required that is no property", "Add it to the properties.");
}

absl::StatusOr<ModelField> TypeTableReader::ReadField(const std::string& key, const Json& schema,
                                                      const SchemaPath& path, int depth) {
  absl::StatusOr<Type> type = ReadSchemaType(schema, path, depth, *this);
  if (!type.ok()) return type.status();
  ModelField field{.name = key, .type = *std::move(type)};
  if (!schema.is_object()) return field;
  SchemaKeywords keywords;
  absl::Status status = ReadSchemaKeywords(schema, path, keywords);
  if (!status.ok()) return status;
  field.description = TextOf(keywords.description);
  const Json* value = keywords.marked_default != nullptr ? keywords.marked_default : keywords.default_value;
  if (value != nullptr) field.default_value = std::make_shared<const Json>(*value);
  if (keywords.marked_name != nullptr) {
    field.name = TextOf(keywords.marked_name);
    if (field.name.empty()) return SchemaError(path.Below("x-dspex-name"), "a name is expected", "Give a string.");
    if (field.name != key) field.alias = key;
  }
  return field;
}

// What the schema refers to, wherever it stands: markers hide no reference from a prompt.
absl::Status TypeTableReader::ReadReferences(Entry& entry) {
  const SchemaPath root{entry.type->name};
  absl::flat_hash_set<const NamedType*> seen;
  std::vector<std::pair<const Json*, bool>> open = {{entry.schema.get(), false}};
  while (!open.empty()) {
    const auto [value, holds_names] = open.back();
    open.pop_back();
    if (value->is_array()) {
      for (const Json& element : value->get_ref<const Json::array_t&>()) open.emplace_back(&element, false);
    }
    if (!value->is_object()) continue;
    for (const auto& [key, member] : value->get_ref<const Json::object_t&>()) {
      if (!holds_names && key == "$ref" && member.is_string()) {
        absl::StatusOr<absl::string_view> name = ReadReference(member, root);
        if (!name.ok()) return name.status();
        const auto found = entries_.find(*name);
        if (found == entries_.end()) {
          return SchemaError(root, absl::StrCat("no type ", Shorten(*name, 60), " is declared"),
                             "Declare it, or put it under $defs.");
        }
        if (seen.insert(found->second.type).second) entry.type->references.push_back(found->second.type);
      } else if (holds_names || !HoldsSchemaValues(key)) {
        open.emplace_back(&member, !holds_names && HoldsSchemaNames(key));
      }
    }
  }
  return absl::OkStatus();
}

absl::Status TypeTableReader::CheckInhabited() {
  const NamedType* endless = FindEndless(types_);
  if (endless == nullptr) return absl::OkStatus();
  return SchemaError(SchemaPath{endless->name}, "the type contains itself without an end",
                     "Let a field on the way be optional, or a list.");
}

}  // namespace dspex
