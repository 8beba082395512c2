#pragma once

#include <absl/strings/string_view.h>

#include <string>

namespace dspex {

/// Whether `part` occurs in `text`. Linear for every pair of texts, which std::string's find is not.
bool HasText(absl::string_view text, absl::string_view part);

/// The text without distinction of case, by Unicode's case folding. Text that is not UTF-8 stays as it is.
std::string FoldCase(absl::string_view text);

}  // namespace dspex
