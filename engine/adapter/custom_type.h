#pragma once

#include <absl/strings/string_view.h>

#include <optional>
#include <string>
#include <vector>

#include "engine/json/json.h"
#include "engine/lm/message.h"
#include "engine/signature/type.h"

/// DSPy's own types whose values are no text: images, audio, files, documents, citations. In a message of the user
/// they become blocks of content; elsewhere, and in saved demos, DSPy writes them as text between two markers.
namespace dspex {

/// The markers around blocks that are written as text.
inline constexpr absl::string_view kBlockMarkerStart = "<<CUSTOM-TYPE-START-IDENTIFIER>>";
inline constexpr absl::string_view kBlockMarkerEnd = "<<CUSTOM-TYPE-END-IDENTIFIER>>";

/// Whether a text or key within the value has one of the markers. DSPy turns what stands between them into blocks,
/// wherever it came from; whoever takes values from outside refuses them.
bool ContainsMarker(const Json& value);

/// Whether values of the type are, or may contain, blocks or tools: what does not print as plain JSON does.
bool PrintsSpecially(const Type& type);

/// The name that DSPy's own types go by ("ToolCalls", "Code"); empty for any other.
absl::string_view BuiltinName(Type::Kind kind);

/// The blocks that the value of that type stands for, in OpenAI's shape; none if it is not a block type or the value
/// has not its form (it then prints as it is).
std::optional<Json> BlocksOf(Type::Kind kind, const Json& value);

/// Blocks as text: the marker, JSON, the marker.
std::string MarkedText(const Json& blocks);

/// The part of a message that says what the block says.
lm::Part PartOfBlock(Json block);

/// Splits a text with marked blocks into parts, as DSPy does. What is marked but not readable stays text.
std::vector<lm::Part> ExpandMarkers(absl::string_view text);

}  // namespace dspex
