#pragma once

#include <absl/strings/string_view.h>

#include <string>

#include "engine/json/json.h"

namespace dspex {

/// Appends the value as Python's repr() writes what json.loads gives of it: "{'a': [1, 'é', None, True, 1e+22]}".
/// Recurses: the value must be no deeper than ParseJson lets in.
void AppendPythonRepr(std::string& out, const Json& value);
std::string PythonRepr(const Json& value);

/// The same of a str: quotes included, what Python does not print escaped. Bytes that are not UTF-8 become U+FFFD.
void AppendPythonStrRepr(std::string& out, absl::string_view text);

/// The same of bytes: "b'\\xc3\\xbc'".
std::string PythonBytesRepr(absl::string_view bytes);

}  // namespace dspex
