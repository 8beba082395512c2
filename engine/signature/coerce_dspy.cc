// DSPy's own types, each with the shapes that its validator takes.

#include <absl/strings/str_cat.h>
#include <absl/strings/string_view.h>

#include <algorithm>
#include <nlohmann/json.hpp>
#include <utility>

#include "engine/json/object_builder.h"
#include "engine/signature/coercion.h"
#include "engine/signature/object_parts.h"
#include "engine/signature/text_trim.h"

namespace dspex {

namespace {

using Kind = Type::Kind;

// What stands in the first code block, if there is one: the rest of the line of its fence is a language's name.
std::string CodeOf(const std::string& text) {
  constexpr absl::string_view kFence = "```";
  const absl::string_view all = text;
  const std::size_t open = all.find(kFence);
  if (open == absl::string_view::npos) return text;
  const std::size_t after = open + kFence.size();
  const std::size_t line = all.find('\n', after);
  if (line != absl::string_view::npos) {
    const std::size_t close = all.find(kFence, line + 1);
    if (close != absl::string_view::npos) {
      return std::string(StripPythonSpace(all.substr(line + 1, close - line - 1)));
    }
  }
  const std::size_t close = all.find(kFence, after);
  if (close == absl::string_view::npos) return text;
  return std::string(StripPythonSpace(all.substr(after, close - after)));
}

std::string Segment(const char* key, std::size_t index) { return absl::StrCat(key, "[", index, "]"); }

}  // namespace

// A text, or an object that has it under that key.
bool Coercion::RunText(const Type& type, const char* key, Json& value) {
  Json* text = value.is_object() ? FindMember(value, key) : &value;
  if (text == nullptr || !text->is_string()) return Refuse(type);
  std::string taken = std::move(text->get_ref<std::string&>());
  value = type.kind == Kind::kCode ? CodeOf(taken) : std::move(taken);
  CountFields(1);
  return AcceptAs(type, Exactness::kStrict);
}

bool Coercion::RunHistory(const Type& type, Json& value) {
  Json* messages = value.is_object() && value.size() == 1 ? FindMember(value, "messages") : nullptr;
  if (messages == nullptr || !messages->is_array()) return Refuse(type);
  std::size_t index = 0;
  for (Json& message : messages->get_ref<Json::array_t&>()) {
    if (!message.is_object()) {
      Refuse(type);
      return RefuseBelow(Segment(".messages", index));
    }
    auto& members = message.get_ref<Json::object_t&>();
    // Names lose white space at their ends.
    ObjectBuilder trimmed(members.size());
    for (auto& [name, member] : members) trimmed.Add(std::string(StripWhiteSpace(name)), std::move(member));
    message = trimmed.Take();
    ++index;
  }
  CountFields(1);
  return AcceptAs(type, Exactness::kStrict);
}

bool Coercion::RunDocument(const Type& type, Json& value) {
  if (value.is_string()) value = Json{{"data", std::move(value)}};
  const std::optional<std::size_t> given = ReadObject({{"data", Part::kText},
                                                       {"title", Part::kTextOrNone, "null"},
                                                       {"media_type", Part::kText, R"("text/plain")"},
                                                       {"context", Part::kTextOrNone, "null"}},
                                                      value);
  if (!given.has_value()) return Refuse(type);
  const std::string& media_type = value["media_type"].get_ref<const std::string&>();
  if (media_type != "text/plain" && media_type != "application/pdf") {
    Refuse(type);
    return RefuseBelow(".media_type");
  }
  CountFields(*given);
  return AcceptAs(type, Exactness::kStrict);
}

// A list of citations, one alone, or an object that has the list.
bool Coercion::RunCitations(const Type& type, Json& value) {
  Json list;
  if (value.is_array()) {
    const bool all = std::all_of(value.begin(), value.end(),
                                 [](const Json& item) { return item.is_object() && item.contains("cited_text"); });
    if (!all) return Refuse(type);
    list = std::move(value);
  } else if (value.is_object() && value.contains("citations")) {
    list = std::move(value["citations"]);
    if (!list.is_array()) return Refuse(type);
  } else if (value.is_object() && value.contains("cited_text")) {
    list = Json::array({std::move(value)});
  } else {
    return Refuse(type);
  }
  std::size_t index = 0;
  for (Json& citation : list.get_ref<Json::array_t&>()) {
    const std::optional<std::size_t> given = ReadObject({{"type", Part::kText, R"("char_location")"},
                                                         {"cited_text", Part::kText},
                                                         {"document_index", Part::kInt},
                                                         {"document_title", Part::kTextOrNone, "null"},
                                                         {"start_char_index", Part::kInt},
                                                         {"end_char_index", Part::kInt},
                                                         {"supported_text", Part::kTextOrNone, "null"}},
                                                        citation);
    if (!given.has_value()) {
      Refuse(type);
      return RefuseBelow(Segment(".citations", index));
    }
    ++index;
  }
  value = Json{{"citations", std::move(list)}};
  CountFields(1);
  return AcceptAs(type, Exactness::kStrict);
}

bool Coercion::RunDspy(const Type& type, Json& value) {
  switch (type.kind) {
    case Kind::kReasoning:
      return RunText(type, "content", value);
    case Kind::kCode:
      return RunText(type, "code", value);
    case Kind::kHistory:
      return RunHistory(type, value);
    case Kind::kDocument:
      return RunDocument(type, value);
    case Kind::kCitations:
      return RunCitations(type, value);
    case Kind::kTool:
      return RunTool(type, value);
    case Kind::kToolCalls:
      return RunToolCalls(type, value);
    case Kind::kToolCallResults:
      return RunToolCallResults(type, value);
    case Kind::kImage:
      return RunImage(type, value);
    case Kind::kAudio:
      return RunAudio(type, value);
    default:
      return RunFile(type, value);
  }
}

}  // namespace dspex
