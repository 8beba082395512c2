#include "engine/adapter/content.h"

#include <absl/strings/string_view.h>

#include <nlohmann/json.hpp>

#include "engine/adapter/custom_type.h"
#include "engine/adapter/python_text.h"
#include "engine/json/escape.h"

namespace dspex {

void Content::AddBlocks(Json blocks, bool within_json) {
  if (blocks_ == Blocks::kMarked) {
    const std::string marked = MarkedText(blocks);
    if (within_json) {
      AppendJsonString(text_, marked);
    } else {
      text_ += marked;
    }
    return;
  }
  if (within_json) text_.push_back('"');
  // Without blocks, too, the text before and the text behind are two parts.
  if (!text_.empty()) parts_.emplace_back(lm::TextPart{std::exchange(text_, {})});
  for (Json& block : blocks) {
    parts_.push_back(PartOfBlock(std::move(block)));
  }
  if (within_json) text_.push_back('"');
}

void Content::Separate() {
  if (!empty()) text_ += "\n\n";
}

lm::Message Content::Finish(lm::Role role, bool expand) && {
  if (parts_.empty()) {
    const absl::string_view stripped = python_text::Strip(text_);
    if (stripped.size() != text_.size()) text_ = std::string(stripped);
    if (expand && text_.find(kBlockMarkerStart.data(), 0, kBlockMarkerStart.size()) != std::string::npos) {
      return lm::Message{role, ExpandMarkers(text_)};
    }
    return lm::Message::Text(role, std::move(text_));
  }
  if (auto* first = std::get_if<lm::TextPart>(&parts_.front())) {
    first->text.erase(0, first->text.size() - python_text::StripLeft(first->text).size());
  }
  text_.erase(python_text::StripRight(text_).size());
  if (!text_.empty()) parts_.emplace_back(lm::TextPart{std::move(text_)});
  return lm::Message{role, std::move(parts_)};
}

}  // namespace dspex
