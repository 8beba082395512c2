#pragma once

#include <absl/strings/string_view.h>

#include <optional>

#include "engine/json/json.h"

namespace dspex {

// The conversions of pydantic's lax mode between scalars; none where it refuses.

/// An integer of at most 64 bits, from a bool, an integer, a whole float or their text ("5", " 1_000 ", "5.0").
std::optional<Json> LaxInt(const Json& value);
std::optional<Json> LaxIntFromText(absl::string_view text);
/// From a bool, a number or its text ("5", ".5", "1e5", "nan", "-Infinity").
std::optional<double> LaxFloat(const Json& value);
std::optional<double> LaxFloatFromText(absl::string_view text);
/// From a bool, the numbers 0 and 1, or one of the words true, yes, on, t, y, 1, false, no, off, f, n, 0 in any case.
std::optional<bool> LaxBool(const Json& value);
std::optional<bool> LaxBoolFromText(absl::string_view text);

}  // namespace dspex
