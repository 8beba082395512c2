#pragma once

#include "engine/json/json.h"
#include "engine/signature/type.h"

namespace dspex {

/// The JSON Schema of a type's values, keys in the order in which a prompt shows them: "type" first, then by name.
Json JsonSchema(const Type& type);

}  // namespace dspex
