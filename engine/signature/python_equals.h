#pragma once

#include "engine/json/json.h"

namespace dspex {

/// Whether Python's == holds between two values of JSON: True is 1, 1 is 1.0, objects are equal whatever the order of
/// their keys.
bool PythonEquals(const Json& a, const Json& b);

}  // namespace dspex
