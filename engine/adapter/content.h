#pragma once

#include <string>
#include <utility>
#include <vector>

#include "engine/json/json.h"
#include "engine/lm/message.h"

namespace dspex {

/// A message that is being written: text, and blocks between it. A message without blocks is one text, stripped at its
/// ends as Python does.
class Content {
 public:
  /// What becomes of blocks: parts of the message, or text between markers.
  enum class Blocks { kParts, kMarked };

  explicit Content(Blocks blocks) : blocks_(blocks) {}

  /// Where text goes; whatever is appended to it comes behind the blocks before.
  std::string& text() { return text_; }

  /// Adds blocks in OpenAI's shape. `within_json`: they stand for a string of a JSON text.
  void AddBlocks(Json blocks, bool within_json);

  /// Adds "\n\n" unless nothing was added yet.
  void Separate();

  bool empty() const { return parts_.empty() && text_.empty(); }

  /// The message; its content is stripped. With `expand`, text between markers becomes blocks.
  lm::Message Finish(lm::Role role, bool expand) &&;

 private:
  Blocks blocks_;
  std::string text_;
  std::vector<lm::Part> parts_;
};

}  // namespace dspex
