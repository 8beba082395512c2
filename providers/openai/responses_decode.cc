#include "providers/openai/responses_decode.h"

#include <absl/strings/str_cat.h>

#include <utility>

#include "engine/base/error.h"
#include "engine/base/reasons.h"
#include "providers/openai/logprobs.h"
#include "providers/openai/responses_fields.h"
#include "providers/wire/errors.h"
#include "providers/wire/json.h"

namespace dspex::openai {

namespace {

namespace dom = simdjson::dom;

using wire::kMaxItems;
using wire::OptionalText;

class Decoder {
 public:
  absl::Status Put(dom::object item);
  lm::Response Take(dom::object response);

 private:
  absl::Status PutMessage(dom::object item);
  absl::Status PutCall(dom::object item);
  void PutReasoning(dom::object item);
  void AddReasoning(dom::object item, std::string_view key);

  lm::Completion completion_;
  bool refused_ = false;
};

absl::Status Decoder::Put(dom::object item) {
  const std::string type = OptionalText(item, "type");
  if (type == "message") return PutMessage(item);
  if (type == "function_call") return PutCall(item);
  if (type == "reasoning") {
    if (completion_.reasoning_parts.size() == kMaxItems) return MalformedResponse("it has too many items");
    PutReasoning(item);
  }
  return absl::OkStatus();
}

absl::Status Decoder::PutMessage(dom::object item) {
  dom::array content;
  if (item.at_key("content").get(content) != simdjson::SUCCESS) return MalformedResponse("a message has no content");
  for (const dom::element element : content) {
    dom::object part;
    if (element.get(part) != simdjson::SUCCESS) return MalformedResponse("a part of a message is not an object");
    const std::string type = OptionalText(part, "type");
    refused_ = refused_ || type == "refusal";
    if (type != "output_text") continue;
    dom::element text;
    if (part.at_key("text").get(text) != simdjson::SUCCESS || !wire::AppendText(text, completion_.text)) {
      return MalformedResponse("a text is not text");
    }
    AppendLogprobs(part, "logprobs", completion_.logprobs);
  }
  return absl::OkStatus();
}

absl::Status Decoder::PutCall(dom::object item) {
  if (completion_.tool_calls.size() == kMaxItems) return MalformedResponse("it has too many tool calls");
  lm::ToolCallPart call{OptionalText(item, "call_id"), OptionalText(item, "name"), OptionalText(item, "arguments")};
  if (call.name.empty()) return MalformedResponse("a tool call has no name");
  completion_.tool_calls.push_back(std::move(call));
  return absl::OkStatus();
}

void Decoder::PutReasoning(dom::object item) {
  AddReasoning(item, "summary");
  AddReasoning(item, "content");
  std::string json = TextOfItem(item);
  if (!json.empty()) completion_.reasoning_parts.push_back({"openai_responses", std::move(json)});
}

void Decoder::AddReasoning(dom::object item, std::string_view key) {
  dom::array parts;
  if (item.at_key(key).get(parts) != simdjson::SUCCESS) return;
  for (const dom::element element : parts) {
    dom::object part;
    if (element.get(part) != simdjson::SUCCESS) continue;
    const std::string text = OptionalText(part, "text");
    if (text.empty()) continue;
    completion_.reasoning = completion_.reasoning.has_value() ? *completion_.reasoning + "\n\n" + text : text;
  }
}

lm::Response Decoder::Take(dom::object response) {
  lm::Response result;
  completion_.finish_reason = ResponseFinishReason(response, completion_, refused_);
  result.completions.push_back(std::move(completion_));
  result.usage = ResponseUsage(response);
  result.model = OptionalText(response, "model");
  return result;
}

// What it says is left out: here nobody knows the key that it might repeat.
absl::Status Failed() {
  return Error(absl::StatusCode::kUnavailable, reason::kProviderOverloaded,
               "The provider took the request and then failed to answer. Try again later.");
}

}  // namespace

absl::StatusOr<lm::Response> DecodeResponse(std::string body) {
  dom::parser parser;
  dom::element document;
  std::string problem;
  if (!wire::ParseDocument(parser, body, document, problem)) return MalformedResponse(problem);
  dom::object response;
  dom::array output;
  if (document.get(response) != simdjson::SUCCESS) return MalformedResponse("it is not a JSON object");
  if (OptionalText(response, "status") == "failed") return Failed();
  if (response.at_key("output").get(output) != simdjson::SUCCESS) return MalformedResponse("it has no output");

  Decoder decoder;
  for (const dom::element element : output) {
    dom::object item;
    if (element.get(item) != simdjson::SUCCESS) return MalformedResponse("an item is not an object");
    absl::Status decoded = decoder.Put(item);
    if (!decoded.ok()) return decoded;
  }
  return decoder.Take(response);
}

}  // namespace dspex::openai
