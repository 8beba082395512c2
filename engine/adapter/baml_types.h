#pragma once

#include <absl/status/statusor.h>

#include <string>

#include "engine/adapter/phrasebook.h"
#include "engine/signature/type.h"

namespace dspex {

/// A type in the style of BAML: "string or null", "int[]", and for an object its fields, a line each, with their
/// descriptions as comments. INVALID_ARGUMENT / INVALID_SIGNATURE for a type that has one of its objects twice, which
/// DSPy takes for recursion.
absl::StatusOr<std::string> BamlType(const Phrasebook& book, const Type& type);

}  // namespace dspex
