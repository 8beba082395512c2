#include "providers/openai/encode.h"

#include <absl/strings/str_cat.h>

#include <algorithm>
#include <charconv>
#include <cmath>

#include "engine/json/escape.h"

namespace dspex::openai {

namespace {

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

// `key` is a literal: an object's opening or a comma, the name and the colon.
void AppendField(std::string& out, absl::string_view key, absl::string_view text) {
  absl::StrAppend(&out, key);
  AppendJsonString(out, text);
}

// Content parts in OpenAI's form; tool calls and results are not content.
struct ContentEncoder {
  std::string& out;

  void operator()(const lm::TextPart& part) const {
    AppendField(out, R"({"type":"text","text":)", part.text);
    Close("}");
  }
  void operator()(const lm::ImagePart& part) const {
    AppendField(out, R"({"type":"image_url","image_url":{"url":)", part.url);
    Close("}}");
  }
  void operator()(const lm::AudioPart& part) const {
    AppendField(out, R"({"type":"input_audio","input_audio":{"data":)", part.data);
    AppendField(out, R"(,"format":)", part.format);
    Close("}}");
  }
  void operator()(const lm::FilePart& part) const {
    if (!part.file_id.empty()) {
      AppendField(out, R"({"type":"file","file":{"file_id":)", part.file_id);
    } else {
      AppendField(out, R"({"type":"file","file":{"filename":)", part.filename);
      AppendField(out, R"(,"file_data":)", part.data);
    }
    Close("}}");
  }
  void operator()(const lm::ToolCallPart&) const {}
  void operator()(const lm::ToolResultPart&) const {}

  void Close(absl::string_view text) const { absl::StrAppend(&out, text); }
};

bool IsContent(const lm::Part& part) {
  return !std::holds_alternative<lm::ToolCallPart>(part) && !std::holds_alternative<lm::ToolResultPart>(part);
}

// A text alone is a string, anything else an array of parts, no content null.
void AppendContent(std::string& out, const lm::Message& message) {
  absl::StrAppend(&out, R"(,"content":)");
  if (message.parts.size() == 1) {
    if (const auto* text = std::get_if<lm::TextPart>(&message.parts.front())) {
      AppendJsonString(out, text->text);
      return;
    }
  }
  if (std::none_of(message.parts.begin(), message.parts.end(), IsContent)) {
    absl::StrAppend(&out, "null");
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

// The shortest text that reads back as the same number. JSON has no infinities: those are left out.
void AppendNumber(std::string& out, absl::string_view key, const std::optional<double>& value) {
  if (!value.has_value() || !std::isfinite(*value)) return;
  char text[32];
  const auto end = std::to_chars(text, text + sizeof(text), *value);
  absl::StrAppend(&out, ",\"", key, "\":", absl::string_view(text, static_cast<std::size_t>(end.ptr - text)));
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
}

std::size_t TextBytes(const std::vector<lm::Message>& messages) {
  std::size_t size = 0;
  for (const lm::Message& message : messages) {
    size += 64;
    for (const lm::Part& part : message.parts) {
      if (const auto* text = std::get_if<lm::TextPart>(&part)) size += text->text.size();
    }
  }
  return size;
}

}  // namespace

std::string EncodeHead(absl::string_view model, const lm::Prefix* prefix) {
  std::string out;
  if (prefix != nullptr) out.reserve(TextBytes(prefix->messages()) * 17 / 16 + 128);
  AppendField(out, R"({"model":)", model);
  absl::StrAppend(&out, R"(,"messages":[)");
  absl::string_view separator;
  if (prefix != nullptr) {
    for (const lm::Message& message : prefix->messages()) AppendMessage(out, message, separator);
  }
  return out;
}

std::string EncodeTail(const lm::Request& request, const Dialect& dialect) {
  std::string out;
  out.reserve(TextBytes(request.turns) * 17 / 16 + 256);
  absl::string_view separator = request.prefix != nullptr && !request.prefix->messages().empty() ? "," : "";
  for (const lm::Message& message : request.turns) AppendMessage(out, message, separator);
  out += ']';
  if (request.options != nullptr) AppendOptions(out, *request.options, dialect);
  out += '}';
  return out;
}

}  // namespace dspex::openai
