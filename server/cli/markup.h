#pragma once

#include <absl/strings/string_view.h>

#include <string>

namespace dspex::cli {

/// The text for an element or an attribute in double quotes of XML or HTML; control characters as Printable leaves
/// them, line breaks as references, since attributes would make spaces of them.
std::string EscapeMarkup(absl::string_view text);

}  // namespace dspex::cli
