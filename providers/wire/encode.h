#pragma once

#include <absl/strings/string_view.h>

#include <cstddef>
#include <optional>
#include <string>
#include <vector>

#include "engine/lm/message.h"

/// What the encoders of providers' JSON share.
namespace dspex::wire {

/// Appends `key`, a literal (an object's opening or a comma, the name and the colon), and the text as a JSON string.
void AppendField(std::string& out, absl::string_view key, absl::string_view text);

/// Appends `,"key":value`, in the shortest text that reads back as the same number. JSON has no infinities: those are
/// left out.
void AppendNumber(std::string& out, absl::string_view key, const std::optional<double>& value);
void AppendCount(std::string& out, absl::string_view key, const std::optional<int>& value);
void AppendFlag(std::string& out, absl::string_view key, const std::optional<bool>& value);

/// What "data:image/png;base64,iVBORw0K" says.
struct DataUri {
  /// In lower case, without parameters; empty if there is none.
  std::string media_type;
  /// In base64, not checked.
  absl::string_view data;
};

/// The parts of a data URI in base64, which outlives them; nothing if `uri` is none.
std::optional<DataUri> ParseDataUri(absl::string_view uri);

/// Whether the text is one JSON object, of bounded depth and size.
bool IsJsonObject(absl::string_view text);

/// The part that a block in OpenAI's shape stands for, for dialects that write texts and images in another way; members
/// that the part has no place for are left out. A block of another type stays one, and what is no JSON object is a
/// text.
lm::Part PartOf(const lm::BlockPart& block);

/// Appends a document as the block that Anthropic's API defines, which others are sent as it is.
void AppendDocument(std::string& out, const lm::DocumentPart& document);

/// About as many bytes as the messages are going to need.
std::size_t EncodedBytes(const std::vector<lm::Message>& messages);

}  // namespace dspex::wire
