#pragma once

#include "engine/json/json.h"

namespace dspex {

/// Whether the values are equal: objects whatever the order of their keys, numbers by their value (5 equals 5.0, NaN
/// nothing). Its time grows with the sizes of the values as n log n.
bool JsonEqual(const Json& a, const Json& b);

}  // namespace dspex
