#include "engine/adapter/python_media.h"

#include <absl/strings/match.h>
#include <absl/strings/str_cat.h>
#include <absl/strings/str_join.h>

#include <initializer_list>
#include <nlohmann/json.hpp>
#include <vector>

#include "engine/adapter/custom_type.h"
#include "engine/adapter/python_text.h"
#include "engine/adapter/typed_value.h"
#include "engine/adapter/value_writer.h"
#include "engine/json/python_format.h"
#include "engine/json/python_repr.h"

namespace dspex {

namespace {

using Kind = Type::Kind;

std::string TextOf(const Json& object, const char* name) {
  const auto found = object.find(name);
  return found != object.end() && found->is_string() ? found->get<std::string>() : std::string();
}

std::string MemberRepr(const Json& object, const char* name) {
  const auto found = object.find(name);
  return found == object.end() ? "None" : PythonRepr(*found);
}

// "name=repr" of the members, as pydantic lists a model's.
std::string Members(const Json& object, std::initializer_list<const char*> names, absl::string_view separator) {
  std::vector<std::string> members;
  for (const char* name : names) members.push_back(absl::StrCat(name, "=", MemberRepr(object, name)));
  return absl::StrJoin(members, separator);
}

// What stands behind "base64,".
std::string Encoded(const std::string& address) {
  const std::size_t begin = address.find("base64,");
  if (begin == std::string::npos) return address;
  const std::size_t from = begin + 7;
  return address.substr(from, address.find("base64,", from) - from);
}

std::string ImageRepr(const Json& value) {
  const std::string url = TextOf(value, "url");
  if (!absl::StrContains(url, "base64")) return absl::StrCat("Image(url='", url, "')");
  const std::string media = url.substr(0, url.find(';'));
  return absl::StrCat("Image(url=data:image/", media.substr(media.rfind('/') + 1), ";base64,<IMAGE_BASE_64_ENCODED(",
                      python_text::Length(Encoded(url)), ")>)");
}

std::string FileRepr(const Json& value) {
  std::vector<std::string> parts;
  if (const std::string data = TextOf(value, "file_data"); !data.empty()) {
    const std::size_t length = python_text::Length(Encoded(data));
    if (absl::StartsWith(data, "data:")) {
      const std::string media = data.substr(5, data.find(';') - 5);
      parts.push_back(absl::StrCat("file_data=<DATA_URI(", media, ", ", length, " chars)>"));
    } else {
      parts.push_back(absl::StrCat("file_data=<DATA(", length, " chars)>"));
    }
  }
  for (const char* name : {"file_id", "filename"}) {
    if (const std::string text = TextOf(value, name); !text.empty()) {
      parts.push_back(absl::StrCat(name, "='", text, "'"));
    }
  }
  return absl::StrCat("File(", absl::StrJoin(parts, ", "), ")");
}

std::string ToolRepr(const Json& value) {
  const auto text = [&value](const char* name, const char* otherwise) {
    const auto found = value.find(name);
    return found == value.end() ? otherwise : found->is_structured() ? PythonRepr(*found) : PythonStr(*found);
  };
  return absl::StrCat("Tool(name=", text("name", "None"), ", desc=", text("desc", "None"),
                      ", args=", text("args", "{}"), ")");
}

std::string CitationsText(const Json& value) {
  std::vector<std::string> citations;
  for (Json citation : value.at("citations")) {
    if (!citation.contains("type")) citation["type"] = "char_location";
    citations.push_back(absl::StrCat("Citation(",
                                     Members(citation,
                                             {"type", "cited_text", "document_index", "document_title",
                                              "start_char_index", "end_char_index", "supported_text"},
                                             ", "),
                                     ")"));
  }
  return absl::StrCat("citations=[", absl::StrJoin(citations, ", "), "]");
}

std::string ToolCallsText(const Json& value, absl::string_view separator) {
  std::vector<std::string> calls;
  for (const ToolCall& call : ToolCallsOf(value)) {
    calls.push_back(absl::StrCat("ToolCall(id=", call.id.empty() ? "None" : PythonRepr(call.id),
                                 ", name=", PythonRepr(call.name), ", args=", PythonRepr(call.arguments), ")"));
  }
  return absl::StrCat("tool_calls=[", absl::StrJoin(calls, ", "), "]", separator,
                      "tool_call_results=", MemberRepr(value, "tool_call_results"));
}

std::string DocumentText(const Phrasebook& book, const Json& value) {
  const std::string length = absl::StrCat(python_text::Length(TextOf(value, "data")));
  const std::string title = TextOf(value, "title");
  return title.empty() ? book.untitled_document.Render({{"length", length}})
                       : book.document.Render({{"title", title}, {"length", length}});
}

std::string DocumentRepr(Json value) {
  if (TextOf(value, "media_type").empty()) value["media_type"] = "text/plain";
  return absl::StrCat("Document(", Members(value, {"data", "title", "media_type", "context"}, ", "), ")");
}

}  // namespace

std::optional<std::string> BuiltinStr(const Phrasebook& book, const Type& type, const Json& value) {
  if (type.kind == Kind::kTool && IsTool(value)) return ToolText(book, value);
  if (type.kind == Kind::kToolCalls && IsToolCalls(value)) return ToolCallsText(value, " ");
  if (type.kind == Kind::kCode && value.is_string()) return absl::StrCat("code=", PythonRepr(value));
  const std::optional<Json> blocks = BlocksOf(type.kind, value);
  if (!blocks.has_value()) return std::nullopt;
  if (type.kind == Kind::kDocument) return DocumentText(book, value);
  return type.kind == Kind::kCitations ? CitationsText(value) : MarkedText(*blocks);
}

std::optional<std::string> BuiltinRepr(const Type& type, const Json& value) {
  if (type.kind == Kind::kTool && IsTool(value)) return ToolRepr(value);
  if (type.kind == Kind::kToolCalls && IsToolCalls(value)) {
    return absl::StrCat("ToolCalls(", ToolCallsText(value, ", "), ")");
  }
  if (type.kind == Kind::kCode && value.is_string()) {
    return absl::StrCat(type.ToString(), "(code=", PythonRepr(value), ")");
  }
  if (!BlocksOf(type.kind, value).has_value()) return std::nullopt;
  switch (type.kind) {
    case Kind::kImage:
      return ImageRepr(value);
    case Kind::kAudio:
      return absl::StrCat("Audio(data=<AUDIO_BASE_64_ENCODED(", python_text::Length(TextOf(value, "data")),
                          ")>, audio_format='", TextOf(value, "audio_format"), "')");
    case Kind::kFile:
      return FileRepr(value);
    case Kind::kDocument:
      return DocumentRepr(value);
    case Kind::kCitations:
      return absl::StrCat("Citations(", CitationsText(value), ")");
    default:
      return std::nullopt;
  }
}

}  // namespace dspex
