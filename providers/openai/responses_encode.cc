#include "providers/openai/responses_encode.h"

#include <absl/strings/str_cat.h>

#include <algorithm>
#include <utility>
#include <variant>
#include <vector>

#include "engine/json/escape.h"
#include "providers/wire/encode.h"

namespace dspex::openai {

namespace {

using wire::AppendField;

absl::string_view RoleName(lm::Role role) {
  switch (role) {
    case lm::Role::kSystem:
      return "developer";
    case lm::Role::kAssistant:
      return "assistant";
    case lm::Role::kUser:
    case lm::Role::kTool:
      return "user";
  }
  return "user";
}

// The API guesses a file's type by its name.
std::string FileName(const lm::FilePart& file) {
  if (!file.filename.empty() || file.data.empty()) return file.filename;
  const auto uri = wire::ParseDataUri(file.data);
  return !uri.has_value() || uri->media_type == "application/pdf" ? "file.pdf" : "";
}

// Parts of a message's content; tool calls, results and reasoning are items of their own.
struct ContentEncoder {
  std::string& out;
  lm::Role role;

  void operator()(const lm::TextPart& part) const {
    const bool output = role == lm::Role::kAssistant;
    AppendField(out, output ? R"({"type":"output_text","text":)" : R"({"type":"input_text","text":)", part.text);
    out += '}';
  }
  void operator()(const lm::ImagePart& part) const {
    AppendField(out, R"({"type":"input_image","image_url":)", part.url);
    AppendField(out, R"(,"detail":)", part.detail.empty() ? "auto" : part.detail);
    out += '}';
  }
  void operator()(const lm::AudioPart& part) const {
    AppendField(out, R"({"type":"input_audio","input_audio":{"data":)", part.data);
    AppendField(out, R"(,"format":)", part.format);
    absl::StrAppend(&out, "}}");
  }
  void operator()(const lm::FilePart& part) const {
    absl::StrAppend(&out, R"({"type":"input_file")");
    if (!part.data.empty()) AppendField(out, R"(,"file_data":)", part.data);
    if (!part.file_id.empty()) AppendField(out, R"(,"file_id":)", part.file_id);
    if (const std::string name = FileName(part); !name.empty()) AppendField(out, R"(,"filename":)", name);
    out += '}';
  }
  void operator()(const lm::DocumentPart& part) const { wire::AppendDocument(out, part); }
  void operator()(const lm::BlockPart& part) const {
    const lm::Part plain = wire::PartOf(part);
    if (std::holds_alternative<lm::BlockPart>(plain)) {
      absl::StrAppend(&out, part.json);
    } else {
      std::visit(*this, plain);
    }
  }
  void operator()(const lm::ToolCallPart&) const {}
  void operator()(const lm::ToolResultPart&) const {}
  void operator()(const lm::ReasoningPart&) const {}
};

bool IsContent(const lm::Part& part) {
  return !std::holds_alternative<lm::ToolCallPart>(part) && !std::holds_alternative<lm::ToolResultPart>(part) &&
         !std::holds_alternative<lm::ReasoningPart>(part);
}

// Other dialects' reasoning is not sent.
bool IsSent(const lm::Part& part) {
  const auto* reasoning = std::get_if<lm::ReasoningPart>(&part);
  return reasoning == nullptr || (reasoning->dialect == "openai_responses" && wire::IsJsonObject(reasoning->json));
}

bool GivesItems(const lm::Message& message) {
  return message.parts.empty() || std::any_of(message.parts.begin(), message.parts.end(), IsSent);
}

// Writes the items of a message, each behind a separator.
class ItemWriter {
 public:
  ItemWriter(std::string& out, bool first) : out_(out), separator_(first ? "" : ",") {}

  // Reasoning before what it led to, results before what is said of them.
  void Add(const lm::Message& message) {
    if (!GivesItems(message)) return;
    for (const lm::Part& part : message.parts) {
      const auto* reasoning = std::get_if<lm::ReasoningPart>(&part);
      if (reasoning != nullptr && IsSent(part)) absl::StrAppend(&out_, Separator(), reasoning->json);
    }
    for (const lm::Part& part : message.parts) {
      if (const auto* result = std::get_if<lm::ToolResultPart>(&part)) AddResult(*result);
    }
    if (message.parts.empty() || std::any_of(message.parts.begin(), message.parts.end(), IsContent)) {
      AddContent(message);
    }
    for (const lm::Part& part : message.parts) {
      if (const auto* call = std::get_if<lm::ToolCallPart>(&part)) AddCall(*call);
    }
  }

 private:
  absl::string_view Separator() { return std::exchange(separator_, ","); }

  // A text alone is a string, anything else an array of parts.
  void AddContent(const lm::Message& message) {
    absl::StrAppend(&out_, Separator(), R"({"role":")", RoleName(message.role), R"(","content":)");
    std::vector<const lm::Part*> content;
    for (const lm::Part& part : message.parts) {
      if (IsContent(part)) content.push_back(&part);
    }
    const auto* text = content.size() == 1 ? std::get_if<lm::TextPart>(content.front()) : nullptr;
    if (text != nullptr) {
      AppendJsonString(out_, text->text);
    } else {
      out_ += '[';
      absl::string_view separator;
      for (const lm::Part* part : content) {
        absl::StrAppend(&out_, std::exchange(separator, ","));
        std::visit(ContentEncoder{out_, message.role}, *part);
      }
      out_ += ']';
    }
    out_ += '}';
  }

  void AddCall(const lm::ToolCallPart& call) {
    absl::StrAppend(&out_, Separator());
    AppendField(out_, R"({"type":"function_call","call_id":)", call.id);
    AppendField(out_, R"(,"name":)", call.name);
    AppendField(out_, R"(,"arguments":)", call.arguments.empty() ? "{}" : call.arguments);
    out_ += '}';
  }

  void AddResult(const lm::ToolResultPart& result) {
    absl::StrAppend(&out_, Separator());
    AppendField(out_, R"({"type":"function_call_output","call_id":)", result.id);
    AppendField(out_, R"(,"output":)", result.content);
    out_ += '}';
  }

  std::string& out_;
  absl::string_view separator_;
};

// The text that goes to the request's instructions: its message is no item.
const std::string* Instructions(const lm::Prefix* prefix) {
  if (prefix == nullptr || prefix->messages().empty()) return nullptr;
  const lm::Message& first = prefix->messages().front();
  if (first.role != lm::Role::kSystem || first.parts.size() != 1) return nullptr;
  const auto* text = std::get_if<lm::TextPart>(&first.parts.front());
  return text != nullptr ? &text->text : nullptr;
}

// The messages of a prefix that are items.
absl::Span<const lm::Message> ItemMessages(const lm::Prefix* prefix) {
  if (prefix == nullptr) return {};
  return absl::MakeConstSpan(prefix->messages()).subspan(Instructions(prefix) != nullptr ? 1 : 0);
}

void AppendFormat(std::string& out, const lm::ResponseFormat& format) {
  switch (format.kind) {
    case lm::ResponseFormat::Kind::kText:
      return;
    case lm::ResponseFormat::Kind::kJsonObject:
      absl::StrAppend(&out, R"(,"text":{"format":{"type":"json_object"}})");
      return;
    case lm::ResponseFormat::Kind::kJsonSchema:
      AppendField(out, R"(,"text":{"format":{"type":"json_schema","name":)", format.name);
      absl::StrAppend(&out, R"(,"schema":)", *format.schema, R"(,"strict":true}})");
      return;
  }
}

// Left alone, this API makes tools strict, which turns arguments that may be left out into ones that may not.
void AppendTools(std::string& out, const lm::Options& options) {
  if (options.tools.empty()) return;
  absl::string_view separator = R"(,"tools":[)";
  for (const lm::ToolSpec& tool : options.tools) {
    absl::StrAppend(&out, std::exchange(separator, ","));
    AppendField(out, R"({"type":"function","name":)", tool.name);
    if (!tool.description.empty()) absl::StrAppend(&out, R"(,"description":)", tool.description);
    absl::StrAppend(&out, R"(,"parameters":)", tool.parameters, R"(,"strict":false})");
  }
  out += ']';
  if (!options.parallel_tool_calls.has_value()) return;
  absl::StrAppend(&out, R"(,"tool_choice":"auto","parallel_tool_calls":)",
                  *options.parallel_tool_calls ? "true" : "false");
}

void AppendReasoning(std::string& out, const lm::Options& options) {
  if (!options.reasoning_effort.has_value()) return;
  AppendField(out, R"(,"reasoning":{"effort":)", *options.reasoning_effort);
  out += '}';
}

// What the answer is to have besides.
void AppendInclude(std::string& out, const lm::Options& options) {
  // What the provider does not keep must come along when the conversation goes on.
  const bool reasons = options.reasoning_effort.value_or("none") != "none";
  const bool reasoning = reasons && !options.store.value_or(true);
  const bool logprobs = options.logprobs.value_or(false);
  if (logprobs) wire::AppendCount(out, "top_logprobs", options.top_logprobs);
  if (!reasoning && !logprobs) return;
  absl::StrAppend(&out, R"(,"include":[)", reasoning ? R"("reasoning.encrypted_content")" : "",
                  reasoning && logprobs ? "," : "", logprobs ? R"("message.output_text.logprobs")" : "", "]");
}

// The API has no stop texts, no seed and no penalties.
void AppendOptions(std::string& out, const lm::Options& options) {
  wire::AppendNumber(out, "temperature", options.temperature);
  wire::AppendNumber(out, "top_p", options.top_p);
  if (options.max_tokens.has_value()) absl::StrAppend(&out, R"(,"max_output_tokens":)", *options.max_tokens);
  wire::AppendFlag(out, "store", options.store);
  AppendReasoning(out, options);
  AppendInclude(out, options);
  AppendFormat(out, options.response_format);
  AppendTools(out, options);
}

}  // namespace

std::string EncodeResponsesHead(absl::string_view model, const lm::Prefix* prefix) {
  std::string out;
  if (prefix != nullptr) out.reserve(wire::EncodedBytes(prefix->messages()) + 128);
  AppendField(out, R"({"model":)", model);
  if (const std::string* instructions = Instructions(prefix)) AppendField(out, R"(,"instructions":)", *instructions);
  absl::StrAppend(&out, R"(,"input":[)");
  ItemWriter writer(out, true);
  for (const lm::Message& message : ItemMessages(prefix)) writer.Add(message);
  return out;
}

std::string EncodeResponsesTail(const lm::Request& request, bool stream) {
  std::string out;
  out.reserve(wire::EncodedBytes(request.turns) + 256);
  const absl::Span<const lm::Message> before = ItemMessages(request.prefix.get());
  ItemWriter writer(out, std::none_of(before.begin(), before.end(), GivesItems));
  for (const lm::Message& message : request.turns) writer.Add(message);
  out += ']';
  if (request.options != nullptr) AppendOptions(out, *request.options);
  absl::StrAppend(&out, stream ? R"(,"stream":true})" : "}");
  return out;
}

}  // namespace dspex::openai
