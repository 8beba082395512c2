#pragma once

#include <absl/strings/string_view.h>

#include <cstddef>

namespace dspex {

/// The length in bytes of the name, without colons, that `text` begins with; 0 if it begins with none. Names are those
/// of XML 1.0, fourth edition, appendix B, as expat reads them: none beyond U+FFFF.
std::size_t XmlNameLength(absl::string_view text);

/// Whether the character may stand in an XML text.
bool IsXmlChar(char32_t code);

}  // namespace dspex
