#include "providers/anthropic/decode.h"

#include <utility>

#include "providers/anthropic/fields.h"
#include "providers/wire/json.h"

namespace dspex::anthropic {

namespace {

namespace dom = simdjson::dom;

using wire::kMaxItems;
using wire::OptionalText;

absl::Status DecodeToolUse(dom::object block, lm::Completion& completion) {
  if (completion.tool_calls.size() == kMaxItems) return Malformed("it has too many tool calls");
  lm::ToolCallPart call{OptionalText(block, "id"), OptionalText(block, "name"), {}};
  if (call.name.empty()) return Malformed("a tool call has no name");
  dom::object input;
  call.arguments = block.at_key("input").get(input) == simdjson::SUCCESS ? TextOfBlock(input) : "{}";
  completion.tool_calls.push_back(std::move(call));
  return absl::OkStatus();
}

absl::Status DecodeBlock(dom::object block, lm::Completion& completion) {
  std::string_view type;
  if (block.at_key("type").get(type) != simdjson::SUCCESS) return Malformed("a block of content has no type");
  dom::element value;
  if (type == "text") {
    const bool text = block.at_key("text").get(value) == simdjson::SUCCESS && wire::AppendText(value, completion.text);
    return text ? absl::OkStatus() : Malformed("a block's text is not text");
  }
  if (type == "tool_use") return DecodeToolUse(block, completion);
  if (type != "thinking" && type != "redacted_thinking") return absl::OkStatus();
  if (completion.reasoning_parts.size() == kMaxItems) return Malformed("it has too many blocks");
  std::string thinking = OptionalText(block, "thinking");
  if (!thinking.empty()) completion.reasoning = completion.reasoning.value_or("") + thinking;
  std::string json = TextOfBlock(block);
  if (!json.empty()) completion.reasoning_parts.push_back({"anthropic", std::move(json)});
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<lm::Response> DecodeMessage(std::string body) {
  dom::parser parser;
  dom::element document;
  std::string problem;
  if (!wire::ParseDocument(parser, body, document, problem)) return Malformed(problem);
  dom::object message;
  dom::array content;
  if (document.get(message) != simdjson::SUCCESS) return Malformed("it is not a JSON object");
  if (message.at_key("content").get(content) != simdjson::SUCCESS) return Malformed("it has no content");

  lm::Response response;
  lm::Completion& completion = response.completions.emplace_back();
  for (const dom::element element : content) {
    dom::object block;
    if (element.get(block) != simdjson::SUCCESS) return Malformed("a block of content is not an object");
    absl::Status decoded = DecodeBlock(block, completion);
    if (!decoded.ok()) return decoded;
  }
  std::string_view stop_reason;
  if (message.at_key("stop_reason").get(stop_reason) == simdjson::SUCCESS) {
    completion.finish_reason = FinishReasonOf(stop_reason);
  }
  response.model = OptionalText(message, "model");
  Counts counts;
  counts.Read(message);
  response.usage = counts.usage();
  return response;
}

wire::ErrorBody DecodeError(std::string body) {
  dom::parser parser;
  dom::element document;
  std::string problem;
  dom::object object;
  if (!wire::ParseDocument(parser, body, document, problem) || document.get(object) != simdjson::SUCCESS) return {};
  return ReadError(object);
}

}  // namespace dspex::anthropic
