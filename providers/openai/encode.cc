#include "providers/openai/encode.h"

#include <absl/strings/str_cat.h>

#include <algorithm>

#include "engine/json/escape.h"
#include "providers/wire/encode.h"

namespace dspex::openai {

namespace {

using wire::AppendField;
using wire::AppendNumber;

absl::string_view RoleName(lm::Role role) {
  switch (role) {
    case lm::Role::kSystem:
      return "system";
    case lm::Role::kUser:
      return "user";
    case lm::Role::kAssistant:
      return "assistant";
    case lm::Role::kTool:
      return "tool";
  }
  return "user";
}

// Content parts in OpenAI's form; tool calls, results and another dialect's reasoning are not content.
struct ContentEncoder {
  std::string& out;

  void operator()(const lm::TextPart& part) const {
    AppendField(out, R"({"type":"text","text":)", part.text);
    Close("}");
  }
  void operator()(const lm::ImagePart& part) const {
    AppendField(out, R"({"type":"image_url","image_url":{"url":)", part.url);
    if (!part.detail.empty()) AppendField(out, R"(,"detail":)", part.detail);
    Close("}}");
  }
  void operator()(const lm::AudioPart& part) const {
    AppendField(out, R"({"type":"input_audio","input_audio":{"data":)", part.data);
    AppendField(out, R"(,"format":)", part.format);
    Close("}}");
  }
  void operator()(const lm::FilePart& part) const {
    absl::StrAppend(&out, R"({"type":"file","file":)");
    absl::string_view separator = "{";
    const auto append = [&](absl::string_view key, const std::string& text) {
      if (text.empty()) return;
      absl::StrAppend(&out, std::exchange(separator, ","), "\"", key, "\":");
      AppendJsonString(out, text);
    };
    append("file_data", part.data);
    append("file_id", part.file_id);
    append("filename", part.filename);
    absl::StrAppend(&out, separator == "{" ? "{}" : "}");
    Close("}");
  }
  void operator()(const lm::DocumentPart& part) const { wire::AppendDocument(out, part); }
  void operator()(const lm::BlockPart& part) const { Close(part.json); }
  void operator()(const lm::ToolCallPart&) const {}
  void operator()(const lm::ToolResultPart&) const {}
  void operator()(const lm::ReasoningPart&) const {}

  void Close(absl::string_view text) const { absl::StrAppend(&out, text); }
};

bool IsContent(const lm::Part& part) {
  return !std::holds_alternative<lm::ToolCallPart>(part) && !std::holds_alternative<lm::ToolResultPart>(part) &&
         !std::holds_alternative<lm::ReasoningPart>(part);
}

// A text alone is a string, anything else an array of parts, no content null.
void AppendContent(std::string& out, const lm::Message& message) {
  absl::StrAppend(&out, R"(,"content":)");
  const auto first = std::find_if(message.parts.begin(), message.parts.end(), IsContent);
  if (first == message.parts.end()) {
    absl::StrAppend(&out, "null");
    return;
  }
  const auto* text = std::get_if<lm::TextPart>(&*first);
  if (text != nullptr && std::none_of(first + 1, message.parts.end(), IsContent)) {
    AppendJsonString(out, text->text);
    return;
  }
  char separator = '[';
  for (const lm::Part& part : message.parts) {
    if (!IsContent(part)) continue;
    out += std::exchange(separator, ',');
    std::visit(ContentEncoder{out}, part);
  }
  out += ']';
}

void AppendToolCalls(std::string& out, const lm::Message& message) {
  absl::string_view open = R"(,"tool_calls":[)";
  absl::string_view close = "";
  for (const lm::Part& part : message.parts) {
    const auto* call = std::get_if<lm::ToolCallPart>(&part);
    if (call == nullptr) continue;
    absl::StrAppend(&out, std::exchange(open, ","));
    AppendField(out, R"({"id":)", call->id);
    AppendField(out, R"(,"type":"function","function":{"name":)", call->name);
    AppendField(out, R"(,"arguments":)", call->arguments);
    absl::StrAppend(&out, "}}");
    close = "]";
  }
  absl::StrAppend(&out, close);
}

// Each message begins with `separator`. A tool's result is a message of its own in this dialect.
void AppendMessage(std::string& out, const lm::Message& message, absl::string_view& separator) {
  bool rest = message.parts.empty();
  for (const lm::Part& part : message.parts) {
    const auto* result = std::get_if<lm::ToolResultPart>(&part);
    if (result == nullptr) {
      rest = true;
      continue;
    }
    absl::StrAppend(&out, std::exchange(separator, ","));
    AppendField(out, R"({"role":"tool","tool_call_id":)", result->id);
    AppendField(out, R"(,"content":)", result->content);
    out += '}';
  }
  if (!rest) return;
  absl::StrAppend(&out, std::exchange(separator, ","), R"({"role":")", RoleName(message.role), "\"");
  AppendContent(out, message);
  AppendToolCalls(out, message);
  out += '}';
}

void AppendResponseFormat(std::string& out, const lm::ResponseFormat& format) {
  switch (format.kind) {
    case lm::ResponseFormat::Kind::kText:
      return;
    case lm::ResponseFormat::Kind::kJsonObject:
      absl::StrAppend(&out, R"(,"response_format":{"type":"json_object"})");
      return;
    case lm::ResponseFormat::Kind::kJsonSchema:
      AppendField(out, R"(,"response_format":{"type":"json_schema","json_schema":{"name":)", format.name);
      absl::StrAppend(&out, R"(,"schema":)", *format.schema, R"(,"strict":true}})");
      return;
  }
}

void AppendTools(std::string& out, const lm::Options& options) {
  if (options.tools.empty()) return;
  absl::string_view separator = R"(,"tools":[)";
  for (const lm::ToolSpec& tool : options.tools) {
    absl::StrAppend(&out, std::exchange(separator, ","));
    AppendField(out, R"({"type":"function","function":{"name":)", tool.name);
    if (!tool.description.empty()) absl::StrAppend(&out, R"(,"description":)", tool.description);
    absl::StrAppend(&out, R"(,"parameters":)", tool.parameters, "}}");
  }
  out += ']';
  if (options.parallel_tool_calls.has_value()) {
    // DSPy says the default, too, where it says whether calls may be several.
    absl::StrAppend(&out, R"(,"tool_choice":"auto","parallel_tool_calls":)",
                    *options.parallel_tool_calls ? "true" : "false");
  }
}

void AppendOptions(std::string& out, const lm::Options& options, const Dialect& dialect) {
  AppendNumber(out, "temperature", options.temperature);
  AppendNumber(out, "top_p", options.top_p);
  if (options.max_tokens.has_value()) absl::StrAppend(&out, ",\"", dialect.max_tokens_key, "\":", *options.max_tokens);
  if (!options.stop.empty()) {
    absl::string_view separator = R"(,"stop":[)";
    for (const std::string& stop : options.stop) AppendField(out, std::exchange(separator, ","), stop);
    out += ']';
  }
  if (options.seed.has_value()) absl::StrAppend(&out, R"(,"seed":)", *options.seed);
  AppendNumber(out, "frequency_penalty", options.frequency_penalty);
  AppendNumber(out, "presence_penalty", options.presence_penalty);
  if (options.reasoning_effort.has_value()) AppendField(out, R"(,"reasoning_effort":)", *options.reasoning_effort);
  wire::AppendFlag(out, "store", options.store);
  if (options.logprobs.value_or(false)) {
    absl::StrAppend(&out, R"(,"logprobs":true)");
    if (options.top_logprobs.value_or(0) > 0) wire::AppendCount(out, "top_logprobs", options.top_logprobs);
  }
  AppendResponseFormat(out, options.response_format);
  AppendTools(out, options);
}

}  // namespace

std::string EncodeHead(absl::string_view model, const lm::Prefix* prefix) {
  std::string out;
  if (prefix != nullptr) out.reserve(wire::EncodedBytes(prefix->messages()) + 128);
  AppendField(out, R"({"model":)", model);
  absl::StrAppend(&out, R"(,"messages":[)");
  absl::string_view separator;
  if (prefix != nullptr) {
    for (const lm::Message& message : prefix->messages()) AppendMessage(out, message, separator);
  }
  return out;
}

std::string EncodeTail(const lm::Request& request, const Dialect& dialect, bool stream) {
  std::string out;
  out.reserve(wire::EncodedBytes(request.turns) + 256);
  absl::string_view separator = request.prefix != nullptr && !request.prefix->messages().empty() ? "," : "";
  for (const lm::Message& message : request.turns) AppendMessage(out, message, separator);
  out += ']';
  if (request.options != nullptr) AppendOptions(out, *request.options, dialect);
  if (stream) absl::StrAppend(&out, R"(,"stream":true,"stream_options":{"include_usage":true})");
  out += '}';
  return out;
}

}  // namespace dspex::openai
