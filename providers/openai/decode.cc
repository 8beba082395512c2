#include "providers/openai/decode.h"

#include <utility>

#include "providers/openai/chat_json.h"
#include "providers/openai/logprobs.h"
#include "providers/wire/json.h"

namespace dspex::openai {

namespace {

namespace dom = simdjson::dom;

using wire::AppendText;
using wire::kMaxItems;
using wire::OptionalCount;
using wire::OptionalText;

absl::Status Malformed(absl::string_view what) { return wire::Malformed("a chat completion", what); }

// A string, null or an array of text parts.
bool DecodeContent(dom::element content, std::string& text) {
  if (content.is_null()) return true;
  if (content.is_string()) return AppendText(content, text);
  dom::array parts;
  if (content.get(parts) != simdjson::SUCCESS) return false;
  for (const dom::element part : parts) {
    dom::object object;
    if (part.get(object) != simdjson::SUCCESS) return false;
    // Blocks of other types may have a text that is no part of the answer.
    std::string_view type;
    if (object.at_key("type").get(type) == simdjson::SUCCESS && type != "text") continue;
    dom::element piece;
    if (object.at_key("text").get(piece) == simdjson::SUCCESS && !AppendText(piece, text)) return false;
  }
  return true;
}

// A JSON text; some servers send the object itself.
std::string Arguments(dom::object function) {
  dom::object object;
  if (function.at_key("arguments").get(object) != simdjson::SUCCESS) return OptionalText(function, "arguments");
  std::string text = simdjson::minify(object);
  return simdjson::validate_utf8(text.data(), text.size()) ? text : std::string();
}

bool DecodeToolCalls(dom::element element, std::vector<lm::ToolCallPart>& calls) {
  if (element.is_null()) return true;
  dom::array array;
  if (element.get(array) != simdjson::SUCCESS) return false;
  for (const dom::element call : array) {
    dom::object object;
    dom::object function;
    if (call.get(object) != simdjson::SUCCESS || object.at_key("function").get(function) != simdjson::SUCCESS ||
        calls.size() == kMaxItems) {
      return false;
    }
    lm::ToolCallPart part{OptionalText(object, "id"), OptionalText(function, "name"), Arguments(function)};
    if (part.name.empty()) return false;
    calls.push_back(std::move(part));
  }
  return true;
}

absl::Status DecodeChoice(dom::element element, lm::Completion& completion) {
  dom::object choice;
  dom::object message;
  if (element.get(choice) != simdjson::SUCCESS || choice.at_key("message").get(message) != simdjson::SUCCESS) {
    return Malformed("a choice has no message");
  }
  dom::element value;
  if (message.at_key("content").get(value) == simdjson::SUCCESS && !DecodeContent(value, completion.text)) {
    return Malformed("message.content is not text");
  }
  if (message.at_key("tool_calls").get(value) == simdjson::SUCCESS && !DecodeToolCalls(value, completion.tool_calls)) {
    return Malformed("message.tool_calls is not a list of function calls");
  }
  // An extension that many servers share, under one of two names.
  for (const std::string_view key : {"reasoning_content", "reasoning"}) {
    std::string reasoning = OptionalText(message, key);
    if (reasoning.empty()) continue;
    completion.reasoning = std::move(reasoning);
    break;
  }
  dom::object logprobs;
  if (choice.at_key("logprobs").get(logprobs) == simdjson::SUCCESS) {
    AppendLogprobs(logprobs, "content", completion.logprobs);
  }
  completion.finish_reason = FinishReasonOf(OptionalText(choice, "finish_reason"));
  if (!OptionalText(message, "refusal").empty()) completion.finish_reason = lm::FinishReason::kRefusal;
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<lm::Response> DecodeChatCompletion(std::string body) {
  dom::parser parser;
  dom::element document;
  std::string problem;
  if (!wire::ParseDocument(parser, body, document, problem)) return Malformed(problem);
  dom::object object;
  if (document.get(object) != simdjson::SUCCESS) return Malformed("it is not a JSON object");
  dom::array choices;
  if (object.at_key("choices").get(choices) != simdjson::SUCCESS) return Malformed("it has no choices");

  lm::Response response;
  for (const dom::element choice : choices) {
    if (response.completions.size() == kMaxItems) return Malformed("it has too many choices");
    absl::Status decoded = DecodeChoice(choice, response.completions.emplace_back());
    if (!decoded.ok()) return decoded;
  }
  response.model = OptionalText(object, "model");
  response.usage = UsageOf(object);
  return response;
}

wire::ErrorBody DecodeError(std::string body) {
  dom::parser parser;
  dom::element document;
  std::string problem;
  dom::object object;
  if (!wire::ParseDocument(parser, body, document, problem) || document.get(object) != simdjson::SUCCESS) return {};
  return ErrorBodyOf(object);
}

}  // namespace dspex::openai
