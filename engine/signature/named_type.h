#pragma once

#include <absl/container/flat_hash_map.h>
#include <absl/status/statusor.h>
#include <absl/strings/string_view.h>

#include <cstddef>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "engine/json/json.h"
#include "engine/signature/type.h"

namespace re2 {
class RE2;
}

namespace dspex {

/// Bounds on a value within a declared type, as JSON Schema states them and pydantic enforces them. What is unset does
/// not bind. `pattern` is searched for (not anchored), as pydantic does.
struct Constraints {
  std::optional<double> minimum;
  std::optional<double> maximum;
  std::optional<double> exclusive_minimum;
  std::optional<double> exclusive_maximum;
  std::optional<double> multiple_of;
  std::optional<std::size_t> min_length;  // of a text, list, dict or set
  std::optional<std::size_t> max_length;
  std::string pattern;
  /// `pattern`, compiled, with classes such as \d in Unicode's sense as pydantic has them. Null if there is none.
  std::shared_ptr<const re2::RE2> regex;

  bool operator==(const Constraints& other) const;
};

/// One field of a declared object type.
struct ModelField {
  /// The field's name in Python, which values that were validated have as their key.
  std::string name;
  /// The key that a completion has and that prompts ask for: pydantic's alias; empty where it is the name.
  std::string alias = {};
  Type type;
  bool required = true;
  /// What stands for a missing field that is not required; null if there is no default (then it is left out).
  std::shared_ptr<const Json> default_value = {};
  std::string description = {};
};

/// One choice of a declared enum.
struct EnumMember {
  std::string name;
  std::shared_ptr<const Json> value;
};

/// A type that a program declares: an object (kModel) or a choice of values (kEnum). Immutable.
struct NamedType {
  enum class Extra { kIgnore, kForbid, kAllow };
  /// The class of values that an enum's class is mixed into: an IntEnum takes what an int takes ("1").
  enum class Mixin { kNone, kStr, kInt, kFloat };

  /// What types are written with and what "$ref" says.
  std::string name;
  /// What prompts show: `name`, the schema's "x-dspex-name", or its "title" where `name` is what pydantic made of it
  /// ("Box[int]" of the name "Box_int_", "Person" of the name "app__models__Person").
  std::string shown;
  /// Declared in place, as an object within another type: it has no name that a type could be written with (`name` is
  /// its path), and `schema` stands where it is used.
  bool in_place = false;
  /// kModel or kEnum; anything else is a type of the program's that has a name, `value`.
  Type::Kind kind = Type::Kind::kModel;
  /// The declaration as it was given, without its "$defs", key order kept: what prompts print.
  std::shared_ptr<const Json> schema;
  /// The same with the names of fields in Python where `schema` has their aliases.
  std::shared_ptr<const Json> schema_by_name;
  /// The declared types that `schema` refers to directly, each once. Of the same table.
  std::vector<const NamedType*> references;
  std::string description;
  /// Neither kModel nor kEnum: what the name stands for.
  Type value;
  /// kModel, in order.
  std::vector<ModelField> fields;
  /// kModel: what becomes of keys that are no fields ("additionalProperties": absent, false, true).
  Extra extra = Extra::kIgnore;
  /// kEnum: names and values. JSON Schema has values only: the names are empty unless "x-enum-varnames" lists them.
  std::vector<EnumMember> members;
  Mixin mixin = Mixin::kNone;

  /// Whether both have one name and were declared alike. (What they refer to is not compared.)
  bool operator==(const NamedType& other) const;
};

/// The types that a program declares, by name; they may refer to each other, in circles too. Immutable.
class TypeTable : public std::enable_shared_from_this<TypeTable> {
 public:
  /// What was declared under one name, as JSON Schema.
  struct Declaration {
    Declaration(std::string name, Json schema);

    std::string name;
    std::shared_ptr<const Json> schema;
  };

  /// Reads the declarations: JSON Schema as pydantic's model_json_schema emits it, or as a person writes it.
  /// Definitions under "$defs" of one are declared too; a name that is declared twice must be declared alike. What JSON
  /// Schema cannot say comes in keys that no prompt shows: "x-dspex-type" is the type in ParseType's notation, whatever
  /// else stands beside it ("decimal.Decimal", "frozenset[int]"); "x-dspex-name" of a property is its name in Python,
  /// where its key is an alias; "x-enum-varnames" lists the names of an enum's members,
  /// "x-enum-base" is the class that it is mixed into ("str", "int", "float").
  ///
  /// INVALID_ARGUMENT / INVALID_SIGNATURE, metadata `type` and `path` (a JSON pointer into its schema), for what has no
  /// equal among types (oneOf, not, patternProperties ...), a "$ref" to nothing, a type that contains itself without an
  /// end, a pattern that RE2 does not take, and more than the limits: 256 KiB, 1000 types, 1000 fields or values of
  /// one, 64 levels.
  static absl::StatusOr<std::shared_ptr<const TypeTable>> Create(const std::vector<Declaration>& declarations);

  /// The type of that name; null if there is none.
  std::shared_ptr<const NamedType> Find(absl::string_view name) const;

  /// In the order of the declarations.
  const std::vector<std::unique_ptr<const NamedType>>& types() const { return types_; }

  ~TypeTable();

 private:
  TypeTable();
  friend class TypeTableReader;

  std::vector<std::unique_ptr<const NamedType>> types_;
  absl::flat_hash_map<absl::string_view, const NamedType*> by_name_;
};

}  // namespace dspex
