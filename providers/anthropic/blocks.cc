#include "providers/anthropic/blocks.h"

#include <absl/strings/ascii.h>
#include <absl/strings/escaping.h>
#include <absl/strings/match.h>
#include <absl/strings/str_cat.h>

#include <variant>

#include "engine/json/escape.h"
#include "providers/wire/encode.h"

namespace dspex::anthropic {

namespace {

using wire::AppendField;

constexpr absl::string_view kPdf = "application/pdf";

// {"type":"base64","media_type":"image/png","data":"..."}
void AppendBase64Source(std::string& out, absl::string_view media_type, absl::string_view data) {
  AppendField(out, R"({"type":"base64","media_type":)", media_type);
  AppendField(out, R"(,"data":)", data);
  out += '}';
}

void AppendImage(std::string& out, absl::string_view url) {
  absl::StrAppend(&out, R"({"type":"image","source":)");
  if (const auto uri = wire::ParseDataUri(url); uri.has_value()) {
    // The API knows the one by its proper name only.
    AppendBase64Source(out, uri->media_type == "image/jpg" ? "image/jpeg" : uri->media_type, uri->data);
  } else {
    AppendField(out, R"({"type":"url","url":)", url);
    out += '}';
  }
  out += '}';
}

// A text may stand in the data URI of a file, too: the API takes it as it reads.
void AppendFileSource(std::string& out, absl::string_view media_type, absl::string_view data) {
  std::string text;
  if (absl::StartsWith(media_type, "text/") && absl::Base64Unescape(data, &text)) {
    AppendField(out, R"({"type":"text","media_type":"text/plain","data":)", text);
    out += '}';
  } else {
    AppendBase64Source(out, media_type, data);
  }
}

void AppendFile(std::string& out, const lm::FilePart& file) {
  const auto uri = wire::ParseDataUri(file.data);
  if (uri.has_value() && absl::StartsWith(uri->media_type, "image/")) {
    AppendImage(out, file.data);
    return;
  }
  absl::StrAppend(&out, R"({"type":"document","source":)");
  if (file.data.empty()) {
    AppendField(out, R"({"type":"file","file_id":)", file.file_id);
    out += '}';
  } else if (uri.has_value()) {
    AppendFileSource(out, uri->media_type, uri->data);
  } else {
    AppendBase64Source(out, kPdf, file.data);
  }
  if (!file.filename.empty()) AppendField(out, R"(,"title":)", file.filename);
  out += '}';
}

// The arguments as an object, whatever the model that made them, maybe another provider's, wrote.
void AppendInput(std::string& out, absl::string_view arguments) {
  arguments = absl::StripAsciiWhitespace(arguments);
  if (arguments.empty()) {
    absl::StrAppend(&out, "{}");
  } else if (wire::IsJsonObject(arguments)) {
    absl::StrAppend(&out, arguments);
  } else {
    AppendField(out, R"({"arguments":)", arguments);
    out += '}';
  }
}

struct BlockEncoder {
  std::string& out;

  void operator()(const lm::TextPart& part) const {
    AppendField(out, R"({"type":"text","text":)", part.text);
    out += '}';
  }
  void operator()(const lm::ImagePart& part) const { AppendImage(out, part.url); }
  // The API takes no sound; it says so itself.
  void operator()(const lm::AudioPart& part) const {
    AppendField(out, R"({"type":"input_audio","input_audio":{"data":)", part.data);
    AppendField(out, R"(,"format":)", part.format);
    absl::StrAppend(&out, "}}");
  }
  void operator()(const lm::FilePart& part) const { AppendFile(out, part); }
  void operator()(const lm::DocumentPart& part) const { wire::AppendDocument(out, part); }
  void operator()(const lm::BlockPart& part) const {
    const lm::Part plain = wire::PartOf(part);
    if (std::holds_alternative<lm::BlockPart>(plain)) {
      absl::StrAppend(&out, part.json);
    } else {
      std::visit(*this, plain);
    }
  }
  void operator()(const lm::ToolCallPart& part) const {
    AppendField(out, R"({"type":"tool_use","id":)", part.id);
    AppendField(out, R"(,"name":)", part.name);
    absl::StrAppend(&out, R"(,"input":)");
    AppendInput(out, part.arguments);
    out += '}';
  }
  void operator()(const lm::ToolResultPart& part) const {
    AppendField(out, R"({"type":"tool_result","tool_use_id":)", part.id);
    if (!part.content.empty()) AppendField(out, R"(,"content":)", part.content);
    absl::StrAppend(&out, part.is_error ? R"(,"is_error":true})" : "}");
  }
  void operator()(const lm::ReasoningPart& part) const { absl::StrAppend(&out, part.json); }
};

}  // namespace

bool IsSent(const lm::Part& part) {
  if (const auto* text = std::get_if<lm::TextPart>(&part)) return !absl::StripAsciiWhitespace(text->text).empty();
  if (const auto* reasoning = std::get_if<lm::ReasoningPart>(&part)) {
    return reasoning->dialect == "anthropic" && wire::IsJsonObject(reasoning->json);
  }
  return true;
}

void AppendBlock(std::string& out, const lm::Part& part) { std::visit(BlockEncoder{out}, part); }

}  // namespace dspex::anthropic
