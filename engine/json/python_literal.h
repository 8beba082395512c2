#pragma once

#include <absl/strings/string_view.h>

#include <cstdint>
#include <optional>
#include <string>

#include "engine/json/json.h"

namespace dspex {

/// Python's values that JSON has not stand in Json as binary values of these subtypes.
enum class PythonSubtype : std::uint8_t { kBytes, kComplex, kEllipsis };

/// The content of such a value, for a complex its text; none if the value is not of that subtype.
std::optional<std::string> ReadBinary(const Json& value, PythonSubtype subtype);

/// What the array at the top of a literal is in Python. (Tuples and sets further in are arrays, too.)
enum class PythonRoot { kValue, kTuple, kSet };

/// Reads a value written as a Python literal, as Python's ast.literal_eval does: strings side by side, numbers with
/// underscores and a sign, bytes, True / False / None, tuples without parentheses, comments at the end. Keys that are
/// no strings become what pydantic makes of them in JSON ("1", "true", "None"). Integers beyond 64 bits become floats,
/// as ParseJson does. None if the text is nothing of that kind, is not valid UTF-8 or passes the limits. Differences:
/// no
/// "\N{...}" and no surrogates. `root`, if not null, is set.
std::optional<Json> ParsePythonLiteral(absl::string_view text, const JsonLimits& limits = {},
                                       PythonRoot* root = nullptr);

}  // namespace dspex
