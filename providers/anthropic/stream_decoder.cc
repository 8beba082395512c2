#include "providers/anthropic/stream_decoder.h"

#include <map>
#include <utility>

#include "engine/json/escape.h"
#include "providers/anthropic/fields.h"
#include "providers/wire/encode.h"
#include "providers/wire/json.h"

namespace dspex::anthropic {

namespace {

namespace dom = simdjson::dom;

using wire::kMaxItems;
using wire::OptionalText;

// A block of content that has begun and not ended.
struct Block {
  enum class Kind { kText, kThinking, kToolCall, kOther };
  Kind kind = Kind::kOther;
  std::string thinking;
  std::string signature;
  // Of the completion's tool calls.
  std::size_t call = 0;
  // What the block began with: all of them where no piece follows.
  std::string arguments;
};

class Decoder final : public wire::StreamDecoder {
 public:
  Decoder(const wire::ErrorSource& source, const http::Headers& headers) : source_(source), headers_(headers) {
    response_.completions.emplace_back();
  }

  absl::Status Put(const wire::SseEvent& event, std::vector<lm::Delta>& deltas) override;
  bool finished() const override { return finished_; }
  bool complete() const override { return complete_; }
  lm::Response Take() override {
    response_.usage = counts_.usage();
    return std::move(response_);
  }

 private:
  absl::Status PutObject(std::string_view type, dom::object event, std::vector<lm::Delta>& deltas);
  void StartMessage(dom::object event);
  absl::Status StartBlock(dom::object event, std::vector<lm::Delta>& deltas);
  absl::Status StartToolCall(dom::object content, Block& block, std::vector<lm::Delta>& deltas);
  absl::Status AddToBlock(dom::object event, std::vector<lm::Delta>& deltas);
  void AddText(std::string text, std::vector<lm::Delta>& deltas);
  void AddThinking(std::string text, Block& block, std::vector<lm::Delta>& deltas);
  void AddArguments(std::string text, const Block& block, std::vector<lm::Delta>& deltas);
  void EndBlock(Block& block, std::vector<lm::Delta>& deltas);
  void AddReasoningPart(std::string json);
  void EndMessage(dom::object event, std::vector<lm::Delta>& deltas);

  lm::Completion& completion() { return response_.completions.front(); }

  const wire::ErrorSource& source_;
  const http::Headers headers_;
  wire::EventReader reader_;
  lm::Response response_;
  Counts counts_;
  std::map<std::int64_t, Block> open_;
  std::size_t blocks_ = 0;
  bool finished_ = false;
  bool complete_ = false;
};

absl::Status Decoder::Put(const wire::SseEvent& event, std::vector<lm::Delta>& deltas) {
  dom::object object;
  std::string problem;
  if (!reader_.Read(event.data, object, problem)) return Malformed(problem);
  std::string_view type;
  if (object.at_key("type").get(type) != simdjson::SUCCESS) type = event.type;
  return PutObject(type, object, deltas);
}

// Events of other types ("ping", and what may be added one day) say nothing here.
absl::Status Decoder::PutObject(std::string_view type, dom::object event, std::vector<lm::Delta>& deltas) {
  if (type == "content_block_delta") return AddToBlock(event, deltas);
  if (type == "content_block_start") return StartBlock(event, deltas);
  if (type == "error") return wire::ErrorOf(StatusOfError(event), ReadError(event), headers_, source_);
  if (type == "message_start") StartMessage(event);
  if (type == "message_delta") EndMessage(event, deltas);
  if (type == "message_stop") finished_ = complete_ = true;
  std::int64_t index = 0;
  if (type != "content_block_stop" || event.at_key("index").get(index) != simdjson::SUCCESS) return absl::OkStatus();
  const auto found = open_.find(index);
  if (found == open_.end()) return absl::OkStatus();
  EndBlock(found->second, deltas);
  open_.erase(found);
  return absl::OkStatus();
}

void Decoder::StartMessage(dom::object event) {
  dom::object message;
  if (event.at_key("message").get(message) != simdjson::SUCCESS) return;
  response_.model = OptionalText(message, "model");
  counts_.Read(message);
}

absl::Status Decoder::StartBlock(dom::object event, std::vector<lm::Delta>& deltas) {
  std::int64_t index = 0;
  dom::object content;
  if (event.at_key("index").get(index) != simdjson::SUCCESS ||
      event.at_key("content_block").get(content) != simdjson::SUCCESS) {
    return Malformed("a block of content begins without one");
  }
  if (++blocks_ > kMaxItems) return Malformed("it has too many blocks");
  Block& block = open_[index] = Block();
  const std::string type = OptionalText(content, "type");
  if (type == "text") {
    block.kind = Block::Kind::kText;
    AddText(OptionalText(content, "text"), deltas);
  } else if (type == "thinking") {
    block.kind = Block::Kind::kThinking;
    block.signature = OptionalText(content, "signature");
    AddThinking(OptionalText(content, "thinking"), block, deltas);
  } else if (type == "redacted_thinking") {
    AddReasoningPart(TextOfBlock(content));
  } else if (type == "tool_use") {
    return StartToolCall(content, block, deltas);
  }
  return absl::OkStatus();
}

absl::Status Decoder::StartToolCall(dom::object content, Block& block, std::vector<lm::Delta>& deltas) {
  lm::ToolCallPart call{OptionalText(content, "id"), OptionalText(content, "name"), {}};
  if (call.name.empty()) return Malformed("a tool call has no name");
  block.kind = Block::Kind::kToolCall;
  block.call = completion().tool_calls.size();
  dom::object input;
  block.arguments = content.at_key("input").get(input) == simdjson::SUCCESS ? TextOfBlock(input) : "{}";
  deltas.emplace_back(lm::ToolCallDelta{static_cast<int>(block.call), call.id, call.name, {}});
  completion().tool_calls.push_back(std::move(call));
  return absl::OkStatus();
}

absl::Status Decoder::AddToBlock(dom::object event, std::vector<lm::Delta>& deltas) {
  std::int64_t index = 0;
  dom::object delta;
  if (event.at_key("index").get(index) != simdjson::SUCCESS || event.at_key("delta").get(delta) != simdjson::SUCCESS) {
    return Malformed("a piece of content has no block");
  }
  const auto found = open_.find(index);
  if (found == open_.end()) return Malformed("a piece of content belongs to no block");
  Block& block = found->second;
  const auto text_of = [&delta](std::string_view key, std::string& text) {
    dom::element value;
    return delta.at_key(key).get(value) == simdjson::SUCCESS && wire::AppendText(value, text);
  };
  const std::string type = OptionalText(delta, "type");
  std::string text;
  bool sound = true;
  if (type == "text_delta" && block.kind == Block::Kind::kText) {
    sound = text_of("text", text);
    AddText(std::move(text), deltas);
  } else if (type == "thinking_delta" && block.kind == Block::Kind::kThinking) {
    sound = text_of("thinking", text);
    AddThinking(std::move(text), block, deltas);
  } else if (type == "signature_delta" && block.kind == Block::Kind::kThinking) {
    sound = text_of("signature", block.signature);
  } else if (type == "input_json_delta" && block.kind == Block::Kind::kToolCall) {
    sound = text_of("partial_json", text);
    AddArguments(std::move(text), block, deltas);
  }
  return sound ? absl::OkStatus() : Malformed("a piece of content is not text");
}

void Decoder::AddText(std::string text, std::vector<lm::Delta>& deltas) {
  if (text.empty()) return;
  completion().text += text;
  deltas.emplace_back(lm::TextDelta{std::move(text)});
}

void Decoder::AddThinking(std::string text, Block& block, std::vector<lm::Delta>& deltas) {
  if (text.empty()) return;
  block.thinking += text;
  if (!completion().reasoning.has_value()) completion().reasoning.emplace();
  *completion().reasoning += text;
  deltas.emplace_back(lm::ReasoningDelta{std::move(text)});
}

void Decoder::AddArguments(std::string text, const Block& block, std::vector<lm::Delta>& deltas) {
  if (text.empty()) return;
  completion().tool_calls[block.call].arguments += text;
  deltas.emplace_back(lm::ToolCallDelta{static_cast<int>(block.call), {}, {}, std::move(text)});
}

void Decoder::EndBlock(Block& block, std::vector<lm::Delta>& deltas) {
  if (block.kind == Block::Kind::kToolCall && completion().tool_calls[block.call].arguments.empty()) {
    AddArguments(std::move(block.arguments), block, deltas);
  }
  if (block.kind != Block::Kind::kThinking) return;
  std::string json;
  wire::AppendField(json, R"({"type":"thinking","thinking":)", block.thinking);
  wire::AppendField(json, R"(,"signature":)", block.signature);
  AddReasoningPart(json + "}");
}

void Decoder::AddReasoningPart(std::string json) {
  if (!json.empty()) completion().reasoning_parts.push_back({"anthropic", std::move(json)});
}

// Servers that imitate the API may leave out the ends of blocks.
void Decoder::EndMessage(dom::object event, std::vector<lm::Delta>& deltas) {
  counts_.Read(event);
  dom::object delta;
  std::string_view stop_reason;
  if (event.at_key("delta").get(delta) != simdjson::SUCCESS ||
      delta.at_key("stop_reason").get(stop_reason) != simdjson::SUCCESS) {
    return;
  }
  for (auto& [index, block] : std::exchange(open_, {})) EndBlock(block, deltas);
  completion().finish_reason = FinishReasonOf(stop_reason);
  finished_ = true;
}

}  // namespace

std::unique_ptr<wire::StreamDecoder> NewStreamDecoder(const wire::ErrorSource& source, const http::Headers& headers) {
  return std::make_unique<Decoder>(source, headers);
}

}  // namespace dspex::anthropic
