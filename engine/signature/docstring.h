#pragma once

#include <absl/strings/string_view.h>

#include <string>

namespace dspex {

/// What Python's inspect.cleandoc makes of a text: tabs become spaces, the indentation that all lines from the second
/// on share goes, the first line loses its indentation, empty lines at both ends go.
std::string CleanDocstring(absl::string_view text);

}  // namespace dspex
