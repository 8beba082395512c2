#pragma once

#include <absl/strings/string_view.h>

#include <string>
#include <vector>

#include "engine/adapter/xml_reader.h"
#include "engine/json/json.h"
#include "engine/signature/type.h"

/// Values as XML elements, directed by JSON Schema, as DSPy's XML adapter does it.
namespace dspex {

/// Whether values of the type are written as nested elements.
bool UsesNestedXml(const Type& declared);

/// Appends the value as an element of that name.
void AppendXmlValue(std::string& out, const Json& value, absl::string_view tag);

/// Elements that show the structure of a schema.
std::string XmlStructure(absl::string_view tag, const Json& schema);

/// Children of an element by name: in the order of their first.
using XmlGroups = std::vector<std::pair<absl::string_view, std::vector<const XmlElement*>>>;
XmlGroups GroupChildren(const XmlContent& content, const XmlElement& element);

/// The value that elements of one name stand for; `schema` may refer to `definitions`. Texts stay texts: what they mean
/// is for validation to find out.
Json XmlElementsToValue(const XmlContent& content, const std::vector<const XmlElement*>& elements, const Json& schema,
                        const Json& definitions);

}  // namespace dspex
