#pragma once

#include <absl/strings/string_view.h>

#include <string>
#include <vector>

#include "engine/adapter/phrasebook.h"
#include "engine/signature/signature.h"

/// What prompts say of a signature's fields, the same in every layout.
namespace dspex {

/// One line for each field: name, type, description, what its types are, its constraints.
std::string FieldList(const Phrasebook& book, const std::vector<Field>& fields);

/// What stands for a field's value in the pattern of an exchange. Of an output it says what the value must look like.
std::string Placeholder(const Phrasebook& book, const Field& field, bool output);

/// The signature's instructions; where it has none, the phrasebook's sentence that names the fields.
std::string InstructionsOf(const Phrasebook& book, const Signature& signature);

/// The same in lines, as prompts show them.
std::vector<std::string> InstructionLines(const Phrasebook& book, const Signature& signature);

/// The JSON Schema of a type's values, DSPy's own types as the phrasebook has them.
/// Without `by_alias`, declared fields go by their names in Python.
Json SchemaOf(const Phrasebook& book, const Type& type, bool by_alias = true);

/// Whether the type is this one and has no name of its own.
bool IsPlain(const Type& type, Type::Kind kind);

}  // namespace dspex
