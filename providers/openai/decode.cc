#include "providers/openai/decode.h"

#include <absl/strings/str_cat.h>
#include <simdjson.h>

#include <utility>

#include "engine/base/error.h"
#include "engine/base/reasons.h"

namespace dspex::openai {

namespace {

namespace dom = simdjson::dom;

constexpr std::size_t kMaxDepth = 64;
// Nobody asks for more than a few completions or tool calls; more would be memory for nothing.
constexpr std::size_t kMaxItems = 1000;

absl::Status Malformed(absl::string_view what) {
  return Error(absl::StatusCode::kInternal, reason::kProviderMalformed,
               absl::StrCat("The provider's response is not a chat completion: ", what,
                            ". Check that base_url leads to an OpenAI-compatible API, and try again."));
}

// The document lives as long as the parser. DOM: it checks the whole text, so that what is read from it is sound, and
// its scanning is chosen for the processor at run time.
bool Parse(dom::parser& parser, std::string& body, dom::element& document, std::string& problem) {
  const std::size_t size = body.size();
  body.reserve(size + simdjson::SIMDJSON_PADDING);
  simdjson::error_code ec = parser.allocate(size, kMaxDepth);
  if (ec == simdjson::SUCCESS) ec = parser.parse(body.data(), size, false).get(document);
  if (ec != simdjson::SUCCESS) problem = absl::StrCat("it is not valid JSON (", simdjson::error_message(ec), ")");
  return ec == simdjson::SUCCESS;
}

// \u escapes may give halves of surrogate pairs.
bool AssignText(dom::element element, std::string& text) {
  std::string_view view;
  if (element.get(view) != simdjson::SUCCESS || !simdjson::validate_utf8(view.data(), view.size())) return false;
  text.append(view.data(), view.size());
  return true;
}

// Fields that matter to nobody if they are not as they should be.
std::string OptionalText(dom::object object, std::string_view key) {
  dom::element element;
  std::string text;
  if (object.at_key(key).get(element) == simdjson::SUCCESS) AssignText(element, text);
  return text;
}

long long OptionalCount(dom::object object, std::string_view key) {
  std::int64_t count = 0;
  if (object.at_key(key).get(count) != simdjson::SUCCESS || count < 0) return 0;
  return count;
}

// A string, null or an array of text parts.
bool DecodeContent(dom::element content, std::string& text) {
  if (content.is_null()) return true;
  if (content.is_string()) return AssignText(content, text);
  dom::array parts;
  if (content.get(parts) != simdjson::SUCCESS) return false;
  for (const dom::element part : parts) {
    dom::object object;
    if (part.get(object) != simdjson::SUCCESS) return false;
    // Blocks of other types may have a text that is no part of the answer.
    std::string_view type;
    if (object.at_key("type").get(type) == simdjson::SUCCESS && type != "text") continue;
    dom::element piece;
    if (object.at_key("text").get(piece) == simdjson::SUCCESS && !AssignText(piece, text)) return false;
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

lm::FinishReason DecodeFinishReason(dom::object choice) {
  std::string_view text;
  if (choice.at_key("finish_reason").get(text) != simdjson::SUCCESS) return lm::FinishReason::kStop;
  if (text == "stop") return lm::FinishReason::kStop;
  if (text == "length") return lm::FinishReason::kLength;
  if (text == "tool_calls" || text == "function_call") return lm::FinishReason::kToolCalls;
  if (text == "content_filter") return lm::FinishReason::kContentFilter;
  return lm::FinishReason::kOther;
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
  completion.finish_reason = DecodeFinishReason(choice);
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<lm::Response> DecodeChatCompletion(std::string body) {
  dom::parser parser;
  dom::element document;
  std::string problem;
  if (!Parse(parser, body, document, problem)) return Malformed(problem);
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
  response.usage.lm_calls = 1;
  dom::object usage;
  if (object.at_key("usage").get(usage) == simdjson::SUCCESS) {
    response.usage.input_tokens = OptionalCount(usage, "prompt_tokens");
    response.usage.output_tokens = OptionalCount(usage, "completion_tokens");
  }
  return response;
}

ErrorBody DecodeError(std::string body) {
  dom::parser parser;
  dom::element document;
  std::string problem;
  dom::object object;
  dom::object error;
  if (!Parse(parser, body, document, problem) || document.get(object) != simdjson::SUCCESS ||
      object.at_key("error").get(error) != simdjson::SUCCESS) {
    return {};
  }
  ErrorBody said{.message = OptionalText(error, "message"), .code = OptionalText(error, "code")};
  if (said.code.empty()) said.code = OptionalText(error, "type");
  return said;
}

}  // namespace dspex::openai
