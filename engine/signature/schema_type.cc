#include "engine/signature/schema_type.h"

#include <absl/strings/match.h>
#include <absl/strings/str_cat.h>
#include <absl/strings/strip.h>

#include <algorithm>
#include <iterator>
#include <nlohmann/json.hpp>
#include <utility>
#include <vector>

#include "engine/json/utf8.h"
#include "engine/signature/schema_constraints.h"
#include "engine/signature/type_parser.h"
#include "engine/signature/type_union.h"

namespace dspex {

namespace {

using Kind = Type::Kind;

// What pydantic's patterns of a Decimal's text begin with, by release.
constexpr absl::string_view kDecimalPatterns[] = {"^(?!^[-+.]*$)[+-]?0*", "^[+-]?(?:(?:[0-9]+\\.?[0-9]*|\\.[0-9]+)"};

class TypeSchemaReader {
 public:
  explicit TypeSchemaReader(SchemaScope& scope) : scope_(scope) {}

  absl::StatusOr<Type> Read(const Json& schema, const SchemaPath& path, int depth) {
    if (schema.is_boolean() && schema.get<bool>()) return Type{.kind = Kind::kAny};
    if (!schema.is_object()) return SchemaError(path, "a schema is expected, an object", "Write {\"type\": ...}.");
    if (depth >= kMaxSchemaDepth) {
      return SchemaError(path, absl::StrCat("schemas are nested deeper than ", kMaxSchemaDepth, " levels"),
                         "Declare what is within as a type of its own.");
    }
    SchemaKeywords keywords;
    absl::Status status = ReadSchemaKeywords(schema, path, keywords);
    if (!status.ok()) return status;
    if (keywords.marked_type != nullptr) return ReadMarked(*keywords.marked_type, path, depth);
    if (keywords.ref != nullptr) return ReadRef(keywords, path, depth);
    if (keywords.all_of != nullptr) return ReadAllOf(keywords, path, depth);
    if (keywords.any_of != nullptr) return ReadAnyOf(keywords, path, depth);
    if (keywords.enumeration != nullptr || keywords.constant != nullptr) return ReadLiteral(keywords, path);
    if (keywords.type != nullptr && keywords.type->is_array()) return ReadTypeList(schema, keywords, path, depth);
    return ReadTyped(schema, keywords, TypeName(keywords), path, depth);
  }

 private:
  // "type", or what must be meant.
  static std::string TypeName(const SchemaKeywords& keywords) {
    if (keywords.type != nullptr) {
      return keywords.type->is_string() ? keywords.type->get<std::string>() : std::string("?");
    }
    if (keywords.properties != nullptr || keywords.additional_properties != nullptr) return "object";
    if (keywords.items != nullptr || keywords.prefix_items != nullptr) return "array";
    return "";
  }

  absl::StatusOr<Type> ReadMarked(const Json& notation, const SchemaPath& path, int depth) {
    if (!notation.is_string()) return SchemaError(path.Below("x-dspex-type"), "a string is expected", "Write a type.");
    absl::Status failure;
    absl::StatusOr<Type> type =
        ParseTypeWith(notation.get_ref<const std::string&>(), [&](absl::string_view name) -> std::optional<Type> {
          if (!failure.ok() || !scope_.Declares(name)) return std::nullopt;
          absl::StatusOr<Type> declared = scope_.Refer(name, path, depth);
          if (declared.ok()) return *std::move(declared);
          failure = declared.status();
          return std::nullopt;
        });
    if (!failure.ok()) return failure;
    if (!type.ok()) {
      return SchemaError(path.Below("x-dspex-type"), absl::StrCat("the type is wrong: ", type.status().message()),
                         "Write it as in a signature.");
    }
    return type;
  }

  // Only what says nothing about values may stand beside these.
  static absl::Status StandsAlone(SchemaKeywords keywords, const Json* SchemaKeywords::* member,
                                  absl::string_view keyword, const SchemaPath& path) {
    keywords.*member = nullptr;
    if (keywords.Empty()) return absl::OkStatus();
    return SchemaError(path, absl::StrCat("'", keyword, "' stands beside another keyword that binds the value"),
                       "Declare a type that says it all.");
  }

  absl::StatusOr<Type> ReadRef(const SchemaKeywords& keywords, const SchemaPath& path, int depth) {
    absl::Status status = StandsAlone(keywords, &SchemaKeywords::ref, "$ref", path);
    if (!status.ok()) return status;
    absl::StatusOr<absl::string_view> name = ReadReference(*keywords.ref, path);
    if (!name.ok()) return name.status();
    return scope_.Refer(*name, path, depth);
  }

  absl::StatusOr<Type> ReadAllOf(const SchemaKeywords& keywords, const SchemaPath& path, int depth) {
    absl::Status status = StandsAlone(keywords, &SchemaKeywords::all_of, "allOf", path);
    if (!status.ok()) return status;
    if (!keywords.all_of->is_array() || keywords.all_of->size() != 1) {
      return SchemaError(path.Below("allOf"), "'allOf' of several schemas has no equal among types",
                         "Write one schema that says it all.");
    }
    return Read(keywords.all_of->front(), path.Below("allOf").Below("0"), depth + 1);
  }

  absl::StatusOr<Type> ReadAnyOf(const SchemaKeywords& keywords, const SchemaPath& path, int depth) {
    absl::Status status = StandsAlone(keywords, &SchemaKeywords::any_of, "anyOf", path);
    if (!status.ok()) return status;
    const SchemaPath below = path.Below("anyOf");
    if (!keywords.any_of->is_array() || keywords.any_of->empty()) {
      return SchemaError(below, "a list of schemas is expected", "Give at least one.");
    }
    std::vector<Type> alternatives;
    const auto& schemas = keywords.any_of->get_ref<const Json::array_t&>();
    for (std::size_t i = 0; i < schemas.size(); ++i) {
      if (i + 1 < schemas.size() && IsDecimal(schemas[i], schemas[i + 1])) {
        absl::StatusOr<Type> decimal = ReadDecimal(schemas[i], below);
        if (!decimal.ok()) return decimal;
        alternatives.push_back(*std::move(decimal));
        ++i;
        continue;
      }
      absl::StatusOr<Type> alternative = Read(schemas[i], below.Below(absl::StrCat(i)), depth + 1);
      if (!alternative.ok()) return alternative;
      alternatives.push_back(*std::move(alternative));
    }
    return Unite(std::move(alternatives), below);
  }

  static absl::StatusOr<Type> Unite(std::vector<Type> alternatives, const SchemaPath& path) {
    absl::StatusOr<Type> type = MakeUnion(std::move(alternatives), Token());
    if (!type.ok()) return SchemaError(path, "the union has more than 64 alternatives", "Use fewer.");
    return type;
  }

  // pydantic prints a Decimal as a number or its text. (A release without the text's pattern prints what it prints for
  // float | str: there a marker must tell.)
  static bool IsDecimal(const Json& number, const Json& text) {
    const auto is = [](const Json& schema, absl::string_view type) {
      return schema.is_object() && schema.contains("type") && schema["type"] == std::string(type);
    };
    if (!is(number, "number") || !is(text, "string")) return false;
    const auto pattern = text.find("pattern");
    return pattern != text.end() && pattern->is_string() &&
           std::any_of(std::begin(kDecimalPatterns), std::end(kDecimalPatterns), [&pattern](absl::string_view known) {
             return absl::StartsWith(pattern->get_ref<const std::string&>(), known);
           });
  }

  static absl::StatusOr<Type> ReadDecimal(const Json& number, const SchemaPath& path) {
    SchemaKeywords keywords;
    absl::Status status = ReadSchemaKeywords(number, path, keywords);
    if (!status.ok()) return status;
    return Bounded(Type{.kind = Kind::kDecimal}, keywords, path);
  }

  static absl::StatusOr<Type> Bounded(Type type, const SchemaKeywords& keywords, const SchemaPath& path) {
    absl::StatusOr<std::shared_ptr<const Constraints>> constraints = ReadSchemaConstraints(type.kind, keywords, path);
    if (!constraints.ok()) return constraints.status();
    type.constraints = *std::move(constraints);
    return type;
  }

  static absl::StatusOr<Type> ReadLiteral(const SchemaKeywords& keywords, const SchemaPath& path) {
    const bool single = keywords.enumeration == nullptr;
    const SchemaPath below = path.Below(single ? "const" : "enum");
    const Json values = single ? Json::array({*keywords.constant}) : *keywords.enumeration;
    if (!values.is_array() || values.empty() || values.size() > kMaxSchemaMembers) {
      return SchemaError(below, absl::StrCat("a list of 1 to ", kMaxSchemaMembers, " values is expected"),
                         "List what the value can be.");
    }
    Type type{.kind = Kind::kLiteral};
    for (const Json& value : values.get_ref<const Json::array_t&>()) {
      if (value.is_string()) {
        type.literals.emplace_back(value.get<std::string>());
      } else if (value.is_boolean()) {
        type.literals.emplace_back(value.get<bool>());
      } else if (value.is_number_integer()) {
        type.literals.emplace_back(value.get<std::int64_t>());
      } else if (value.is_null()) {
        type.literals.emplace_back(std::monostate());
      } else {
        return SchemaError(below, "a choice is a string, a whole number, true, false or null",
                           "Declare an enum under a name of its own for other values.");
      }
    }
    return type;
  }

  absl::StatusOr<Type> ReadTypeList(const Json& schema, const SchemaKeywords& keywords, const SchemaPath& path,
                                    int depth) {
    std::vector<Type> alternatives;
    for (const Json& name : keywords.type->get_ref<const Json::array_t&>()) {
      if (!name.is_string()) return UnknownType(path);
      absl::StatusOr<Type> alternative = ReadTyped(schema, keywords, name.get<std::string>(), path, depth);
      if (!alternative.ok()) return alternative;
      alternatives.push_back(*std::move(alternative));
      if (alternatives.size() > kMaxSchemaMembers) return UnknownType(path);
    }
    if (alternatives.empty()) return UnknownType(path);
    return Unite(std::move(alternatives), path.Below("type"));
  }

  static absl::Status UnknownType(const SchemaPath& path) {
    return SchemaError(path.Below("type"), "the type is not known",
                       "Use string, integer, number, boolean, null, array or object.");
  }

  absl::StatusOr<Type> ReadTyped(const Json& schema, const SchemaKeywords& keywords, const std::string& name,
                                 const SchemaPath& path, int depth) {
    if (name == "string") return ReadString(keywords, path);
    if (name == "integer") return Bounded(Type{.kind = Kind::kInt}, keywords, path);
    if (name == "number") return Bounded(Type{.kind = Kind::kFloat}, keywords, path);
    if (name == "boolean") return Type{.kind = Kind::kBool};
    if (name == "null") return Type{.kind = Kind::kNone};
    if (name == "array") return ReadArray(keywords, path, depth);
    if (name == "object") return ReadObject(schema, keywords, path, depth);
    if (!name.empty()) return UnknownType(path);
    if (keywords.Empty()) return Type{.kind = Kind::kAny};
    return SchemaError(path, "a schema that binds the value says no type", "Write {\"type\": ...}.");
  }

  static absl::StatusOr<Type> ReadString(const SchemaKeywords& keywords, const SchemaPath& path) {
    static constexpr std::pair<absl::string_view, Kind> kFormats[] = {
        {"date-time", Kind::kDatetime}, {"date", Kind::kDate},  {"time", Kind::kTime},  {"duration", Kind::kTimedelta},
        {"uuid", Kind::kUuid},          {"uuid1", Kind::kUuid}, {"uuid3", Kind::kUuid}, {"uuid4", Kind::kUuid},
        {"uuid5", Kind::kUuid},         {"uuid6", Kind::kUuid}, {"uuid7", Kind::kUuid}, {"uuid8", Kind::kUuid},
        {"binary", Kind::kBytes},
    };
    Type type{.kind = Kind::kStr};
    if (keywords.format != nullptr && keywords.format->is_string()) {
      const auto& format = keywords.format->get_ref<const std::string&>();
      for (const auto& [known, kind] : kFormats) {
        if (format == known) type.kind = kind;
      }
      if (format == "base64url" || format == "base64") {
        return SchemaError(path.Below("format"), "bytes in base64 have no equal among types", "Use a string.");
      }
    }
    return Bounded(std::move(type), keywords, path);
  }

  absl::StatusOr<Type> ReadArray(const SchemaKeywords& keywords, const SchemaPath& path, int depth) {
    const bool closed = keywords.items != nullptr && keywords.items->is_boolean() && !keywords.items->get<bool>();
    const bool empty = keywords.max_items != nullptr && *keywords.max_items == 0;
    if (keywords.prefix_items != nullptr || (empty && keywords.items == nullptr)) {
      return ReadTuple(keywords, closed, path, depth);
    }
    const bool unique = keywords.unique_items != nullptr && *keywords.unique_items == true;
    absl::StatusOr<Type> type = Bounded(Type{.kind = unique ? Kind::kSet : Kind::kList}, keywords, path);
    if (!type.ok() || keywords.items == nullptr) return type;
    absl::StatusOr<Type> element = Read(*keywords.items, path.Below("items"), depth + 1);
    if (!element.ok()) return element;
    if (unique && !MakeHashable(*element)) {
      return SchemaError(path, "dicts cannot be elements of a set", "Leave uniqueItems out.");
    }
    type->arguments.push_back(*std::move(element));
    return type;
  }

  // JSON Schema has one word for list and tuple, and one for set and frozenset: in a set it must be the one that can be
  // hashed. False if none can.
  static bool MakeHashable(Type& type) {
    if (type.kind == Kind::kDict) return false;
    if (type.kind == Kind::kSet) type.kind = Kind::kFrozenSet;
    if (type.kind == Kind::kList) {
      type.kind = Kind::kTuple;
      type.variadic = true;
    }
    if (type.kind != Kind::kTuple && type.kind != Kind::kUnion) return true;
    return std::all_of(type.arguments.begin(), type.arguments.end(), MakeHashable);
  }

  absl::StatusOr<Type> ReadTuple(const SchemaKeywords& keywords, bool closed, const SchemaPath& path, int depth) {
    Type type{.kind = Kind::kTuple};
    const SchemaPath below = path.Below("prefixItems");
    if (keywords.prefix_items != nullptr) {
      if (!keywords.prefix_items->is_array() || keywords.prefix_items->size() > kMaxSchemaMembers) {
        return SchemaError(below, absl::StrCat("a list of at most ", kMaxSchemaMembers, " schemas is expected"),
                           "Give one for each element.");
      }
      for (const Json& schema : keywords.prefix_items->get_ref<const Json::array_t&>()) {
        absl::StatusOr<Type> element = Read(schema, below.Below(absl::StrCat(type.arguments.size())), depth + 1);
        if (!element.ok()) return element;
        type.arguments.push_back(*std::move(element));
      }
    }
    const Json size = type.arguments.size();
    if ((keywords.items != nullptr && !closed) || (keywords.min_items != nullptr && *keywords.min_items != size) ||
        (keywords.max_items != nullptr && *keywords.max_items != size)) {
      return SchemaError(path, "a tuple that has further elements, or may lack some, has no equal among types",
                         "Let minItems and maxItems be the number of prefixItems, without items.");
    }
    return type;
  }

  absl::StatusOr<Type> ReadObject(const Json& schema, const SchemaKeywords& keywords, const SchemaPath& path,
                                  int depth) {
    const Json* additional = keywords.additional_properties;
    const bool closed = additional != nullptr && additional->is_boolean() && !additional->get<bool>();
    if (keywords.properties != nullptr || closed) return scope_.DeclareInPlace(schema, keywords, path, depth);
    absl::StatusOr<Type> type = Bounded(Type{.kind = Kind::kDict}, keywords, path);
    if (!type.ok()) return type;
    if ((additional == nullptr || additional->is_boolean()) && keywords.property_names == nullptr) return type;
    absl::StatusOr<Type> key = Type{.kind = Kind::kStr};
    if (keywords.property_names != nullptr) key = ReadKey(*keywords.property_names, path.Below("propertyNames"), depth);
    if (!key.ok()) return key;
    absl::StatusOr<Type> value = Type{.kind = Kind::kAny};
    if (additional != nullptr) value = Read(*additional, path.Below("additionalProperties"), depth + 1);
    if (!value.ok()) return value;
    type->arguments = {*std::move(key), *std::move(value)};
    return type;
  }

  // pydantic leaves the "type": "string" of keys out.
  absl::StatusOr<Type> ReadKey(const Json& schema, const SchemaPath& path, int depth) {
    if (!schema.is_object() || schema.contains("type") || schema.contains("$ref")) return Read(schema, path, depth + 1);
    Json typed = schema;
    typed["type"] = "string";
    return Read(typed, path, depth + 1);
  }

  SchemaScope& scope_;
};

}  // namespace

absl::StatusOr<Type> ReadSchemaType(const Json& schema, const SchemaPath& path, int depth, SchemaScope& scope) {
  return TypeSchemaReader(scope).Read(schema, path, depth);
}

absl::StatusOr<absl::string_view> ReadReference(const Json& reference, const SchemaPath& path) {
  constexpr absl::string_view kPrefix = "#/$defs/";
  if (reference.is_string()) {
    absl::string_view name = reference.get_ref<const std::string&>();
    if (absl::ConsumePrefix(&name, kPrefix) && !name.empty() && name.find_first_of("/~%") == absl::string_view::npos) {
      return name;
    }
  }
  return SchemaError(path.Below("$ref"), "a reference is written \"#/$defs/Name\"", "Declare the type under a name.");
}

}  // namespace dspex
