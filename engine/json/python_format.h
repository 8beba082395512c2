#pragma once

#include <string>

#include "engine/json/json.h"

namespace dspex {

/// Appends the value as Python's json.dumps(value, ensure_ascii=False) writes it: ", " and ": " between the parts,
/// floats as repr does ("1e+22", "5.0"), NaN and infinities as null (what DSPy makes of them within lists and dicts).
/// Recurses: the value must be no deeper than ParseJson lets in.
void AppendPythonJson(std::string& out, const Json& value);
std::string PythonJsonDumps(const Json& value);

/// Appends the value as DSPy writes one into a prompt: a scalar as Python's str() does ("True", "None", "1e+22",
/// "nan", a string as it is), a list or dict as AppendPythonJson does.
void AppendPythonStr(std::string& out, const Json& value);
std::string PythonStr(const Json& value);

/// Appends a float as Python's repr writes it: the shortest digits that read back as the same number.
void AppendPythonFloat(std::string& out, double value);

}  // namespace dspex
