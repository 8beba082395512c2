#pragma once

#include <string>

#include "engine/adapter/phrasebook.h"
#include "engine/json/json.h"
#include "engine/signature/signature.h"

namespace dspex {

/// The value as Python's str() prints what it stands for in Python: "[1, 'a']", "2024-05-01 10:00:00", "name='x' age=3"
/// for a model, the marked text of an image. Two-step prints values so. A history's turns are of `signature`.
std::string PythonText(const Phrasebook& book, const Signature& signature, const Type& type, const Json& value);

}  // namespace dspex
