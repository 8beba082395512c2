#pragma once

#include <functional>
#include <optional>

#include "engine/json/json.h"
#include "engine/signature/signature.h"
#include "engine/signature/type.h"

namespace dspex {

/// The JSON Schema of one of DSPy's own types (kImage, kHistory ...; kCode without a language), as pydantic prints it,
/// its
/// "$defs" included: DSPy's docstrings are part of it, so a phrasebook has it. Null where it is not known: the schema
/// then says "object". What is returned must live until the call that asked returns.
using BuiltinSchemas = std::function<const Json*(const Type&)>;

/// The JSON Schema of a type's values as pydantic's TypeAdapter(type).json_schema() prints it, key order included:
/// declared types and DSPy's own stand under "$defs", except one that is all of the type and is not used within itself.
/// Declared types print as they were declared. The order of properties is that of the declaration.
///
/// `by_alias` is pydantic's: without it, fields of declared types have their names in Python for keys.
///
/// Source of the algorithm: pydantic's GenerateJsonSchema, whose results are reproduced, not its steps.
Json JsonSchema(const Type& type, const BuiltinSchemas& builtin = nullptr, bool by_alias = true);

/// The same schema in the order in which DSPy's prompts show it: in each object "type" first, the others by name.
Json TypeFirst(const Json& schema);

/// The schema with which DSPy's JSON adapter asks a model for a signature's outputs, in the strict form in which its
/// client sends it: one object with all outputs as required properties, closed, defaults of null dropped. Nothing where
/// the adapter asks for JSON without a schema: an output that is a dict[...], tool calls that are not asked for
/// natively (with `native_tool_calls` they are no property), a type that has no schema (a Tool).
///
/// Constraints and descriptions of fields are not in it, as in DSPy.
std::optional<Json> OutputSchema(const Signature& signature, bool native_tool_calls,
                                 const BuiltinSchemas& builtin = nullptr);

/// The name that goes with it.
inline constexpr absl::string_view kOutputSchemaName = "DSPyProgramOutputs";

}  // namespace dspex
