#pragma once

#include <absl/strings/string_view.h>

#include <optional>

#include "engine/json/json.h"

namespace dspex {

/// Reads a value written as a Python literal, as models often do: single quotes, True / False / None, tuples (read as
/// lists), commas before a closing bracket. JSON's true / false / null and Python's json's NaN / Infinity are taken
/// too. Keys that are no strings become what pydantic makes of them in JSON ("1", "true", "None"). Sets, bytes and
/// complex numbers are not read. Integers beyond 64 bits become floats, as ParseJson does. None if the text is nothing
/// of that kind, is not valid UTF-8 or passes the limits.
std::optional<Json> ParsePythonLiteral(absl::string_view text, const JsonLimits& limits = {});

}  // namespace dspex
