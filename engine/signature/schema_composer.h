#pragma once

#include <map>
#include <string>

#include "engine/signature/json_schema.h"
#include "engine/signature/named_type.h"

namespace dspex {

/// Writes schemas as pydantic does, references for what has a name, and keeps what they refer to. One composer writes
/// one document.
class SchemaComposer {
 public:
  explicit SchemaComposer(const BuiltinSchemas& builtin, bool by_alias = true)
      : builtin_(builtin), by_alias_(by_alias) {}

  /// The schema, in the order of pydantic. Recursion is bounded by the type's depth.
  Json Write(const Type& type);

  /// The document of which `root` is the schema: with what it refers to under "$defs". A root that is a reference to
  /// what nothing else refers to becomes that.
  Json Finish(Json root);

  /// Whether a type was written that has no schema: a Tool, which holds a function. Where it stands once, as one choice
  /// of several, pydantic leaves it out.
  bool has_invalid() const { return has_invalid_ || tools_ > 1; }

 private:
  Json WriteUnion(const Type& type);
  Json WriteDict(const Type& type);
  Json WriteTuple(const Type& type);
  Json WriteDeclared(const NamedType& type);
  Json WriteBuiltin(const Type& type);
  Json Refer(const std::string& name);
  void Define(const NamedType& type);

  const Json& SchemaOf(const NamedType& type) const { return *(by_alias_ ? type.schema : type.schema_by_name); }

  const BuiltinSchemas& builtin_;
  bool by_alias_;
  bool has_invalid_ = false;
  int tools_ = 0;
  std::map<std::string, Json> definitions_;
};

}  // namespace dspex
