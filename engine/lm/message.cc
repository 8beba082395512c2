#include "engine/lm/message.h"

namespace dspex::lm {

namespace {

struct Counter {
  PromptSize size;

  void operator()(const TextPart& part) { size.bytes += part.text.size(); }
  void operator()(const ImagePart&) { ++size.media; }
  void operator()(const AudioPart&) { ++size.media; }
  void operator()(const FilePart&) { ++size.media; }
  void operator()(const DocumentPart& part) {
    const bool is_text = part.media_type == "text/plain";
    if (is_text) size.bytes += part.data.size();
    if (!is_text) ++size.media;
    size.bytes += part.title.size() + part.context.size();
  }
  void operator()(const BlockPart&) { ++size.media; }
  void operator()(const ToolCallPart& part) { size.bytes += part.name.size() + part.arguments.size(); }
  void operator()(const ToolResultPart& part) { size.bytes += part.content.size(); }
  void operator()(const ReasoningPart& part) { size.bytes += part.json.size(); }
};

}  // namespace

PromptSize SizeOf(const std::vector<Message>& messages) {
  Counter counter;
  for (const Message& message : messages) {
    for (const Part& part : message.parts) std::visit(counter, part);
  }
  return counter.size;
}

}  // namespace dspex::lm
