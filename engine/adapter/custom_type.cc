#include "engine/adapter/custom_type.h"

#include <algorithm>
#include <nlohmann/json.hpp>
#include <utility>

#include "engine/json/python_format.h"
#include "engine/signature/named_type.h"

namespace dspex {

namespace {

using Kind = Type::Kind;

bool HasMarker(absl::string_view text) {
  // Most texts have not even the first character of one.
  text.remove_prefix(std::min(text.find(kBlockMarkerStart.front()), text.size()));
  if (text.empty()) return false;
  return text.find(kBlockMarkerStart) != absl::string_view::npos ||
         text.find(kBlockMarkerEnd) != absl::string_view::npos;
}

// The member if it is a text that says something; empty otherwise.
absl::string_view TextMember(const Json& object, const char* name) {
  const auto found = object.find(name);
  return found != object.end() && found->is_string() ? absl::string_view(found->get_ref<const std::string&>())
                                                     : absl::string_view();
}

bool HasText(const Json& object, const char* name) {
  const auto found = object.find(name);
  return found != object.end() && found->is_string();
}

Json Text(absl::string_view text) { return Json(std::string(text)); }

Json List(Json block) {
  Json blocks = Json::array();
  blocks.push_back(std::move(block));
  return blocks;
}

Json ImageBlock(const Json& value) {
  return {{"type", "image_url"}, {"image_url", {{"url", Text(TextMember(value, "url"))}}}};
}

Json AudioBlock(const Json& value) {
  return {{"type", "input_audio"},
          {"input_audio",
           {{"data", Text(TextMember(value, "data"))}, {"format", Text(TextMember(value, "audio_format"))}}}};
}

Json FileBlock(const Json& value) {
  Json file = Json::object();
  for (const char* name : {"file_data", "file_id", "filename"}) {
    if (const auto text = TextMember(value, name); !text.empty()) file[name] = Text(text);
  }
  return {{"type", "file"}, {"file", std::move(file)}};
}

Json DocumentBlock(const Json& value) {
  const absl::string_view given = TextMember(value, "media_type");
  const absl::string_view media_type = given.empty() ? "text/plain" : given;
  Json block = {{"type", "document"},
                {"source",
                 {{"type", media_type == "application/pdf" ? "base64" : "text"},
                  {"media_type", Text(media_type)},
                  {"data", Text(TextMember(value, "data"))}}},
                {"citations", {{"enabled", true}}}};
  for (const char* name : {"title", "context"}) {
    if (const auto text = TextMember(value, name); !text.empty()) block[name] = Text(text);
  }
  return block;
}

// A citation is a block of its own, in the order in which DSPy writes its members.
Json CitationBlocks(const Json& citations) {
  Json blocks = Json::array();
  for (const Json& citation : citations) {
    Json block = Json::object();
    block["type"] = HasText(citation, "type") ? Text(TextMember(citation, "type")) : Json("char_location");
    for (const char* name : {"cited_text", "document_index", "start_char_index", "end_char_index"}) {
      const auto found = citation.find(name);
      block[name] = found == citation.end() ? Json() : *found;
    }
    for (const char* name : {"document_title", "supported_text"}) {
      if (const auto text = TextMember(citation, name); !text.empty()) block[name] = Text(text);
    }
    blocks.push_back(std::move(block));
  }
  return blocks;
}

bool AreCitations(const Json& value) {
  const auto found = value.find("citations");
  return found != value.end() && found->is_array() &&
         std::all_of(found->begin(), found->end(), [](const Json& citation) { return citation.is_object(); });
}

bool HasSpecial(const Type& type, std::vector<const NamedType*>& seen) {
  switch (type.kind) {
    case Kind::kImage:
    case Kind::kAudio:
    case Kind::kFile:
    case Kind::kDocument:
    case Kind::kCitations:
    case Kind::kTool:
      return true;
    case Kind::kModel: {
      if (type.named == nullptr || std::find(seen.begin(), seen.end(), type.named.get()) != seen.end()) return false;
      seen.push_back(type.named.get());
      const auto& fields = type.named->fields;
      // A model's own floats print a NaN as such.
      return std::any_of(fields.begin(), fields.end(), [&seen](const ModelField& field) {
        return field.type.kind == Kind::kFloat || HasSpecial(field.type, seen);
      });
    }
    default:
      return std::any_of(type.arguments.begin(), type.arguments.end(),
                         [&seen](const Type& argument) { return HasSpecial(argument, seen); });
  }
}

}  // namespace

bool ContainsMarker(const Json& value) {
  if (value.is_string()) return HasMarker(value.get_ref<const std::string&>());
  if (value.is_array()) return std::any_of(value.begin(), value.end(), ContainsMarker);
  if (!value.is_object()) return false;
  const auto& members = value.get_ref<const Json::object_t&>();
  return std::any_of(members.begin(), members.end(),
                     [](const auto& member) { return HasMarker(member.first) || ContainsMarker(member.second); });
}

absl::string_view BuiltinName(Kind kind) {
  switch (kind) {
    case Kind::kImage:
      return "Image";
    case Kind::kAudio:
      return "Audio";
    case Kind::kFile:
      return "File";
    case Kind::kDocument:
      return "Document";
    case Kind::kCitations:
      return "Citations";
    case Kind::kHistory:
      return "History";
    case Kind::kTool:
      return "Tool";
    case Kind::kToolCalls:
      return "ToolCalls";
    case Kind::kToolCallResults:
      return "ToolCallResults";
    case Kind::kReasoning:
      return "Reasoning";
    case Kind::kCode:
      return "Code";
    default:
      return "";
  }
}

bool PrintsSpecially(const Type& type) {
  std::vector<const NamedType*> seen;
  return HasSpecial(type, seen);
}

std::optional<Json> BlocksOf(Type::Kind kind, const Json& value) {
  if (!value.is_object()) return std::nullopt;
  switch (kind) {
    case Kind::kImage:
      if (HasText(value, "url")) return List(ImageBlock(value));
      return std::nullopt;
    case Kind::kAudio:
      if (HasText(value, "data") && HasText(value, "audio_format")) return List(AudioBlock(value));
      return std::nullopt;
    case Kind::kFile:
      if (HasText(value, "file_data") || HasText(value, "file_id") || HasText(value, "filename")) {
        return List(FileBlock(value));
      }
      return std::nullopt;
    case Kind::kDocument:
      if (HasText(value, "data")) return List(DocumentBlock(value));
      return std::nullopt;
    case Kind::kCitations:
      if (AreCitations(value)) return CitationBlocks(value.at("citations"));
      return std::nullopt;
    default:
      return std::nullopt;
  }
}

std::string MarkedText(const Json& blocks) {
  std::string text(kBlockMarkerStart);
  AppendPythonJson(text, blocks);
  text.append(kBlockMarkerEnd.data(), kBlockMarkerEnd.size());
  return text;
}

}  // namespace dspex
