#pragma once

#include <optional>
#include <string>

#include "engine/adapter/phrasebook.h"
#include "engine/json/json.h"
#include "engine/signature/type.h"

namespace dspex {

/// What Python's str() or repr() print of DSPy's own types; none for another type, or a value that is not of its form.
std::optional<std::string> BuiltinStr(const Phrasebook& book, const Type& type, const Json& value);
std::optional<std::string> BuiltinRepr(const Type& type, const Json& value);

}  // namespace dspex
