#include "engine/adapter/baml_builtins.h"

#include <absl/strings/string_view.h>

#include <utility>

#include "engine/adapter/custom_type.h"

namespace dspex {

namespace {

using Kind = Type::Kind;

Type Of(Kind kind, std::vector<Type> arguments = {}) {
  Type type;
  type.kind = kind;
  type.arguments = std::move(arguments);
  return type;
}

Type Optional(Kind kind) { return Of(Kind::kUnion, {Of(kind), Of(Kind::kNone)}); }

Type MediaTypes() {
  Type type = Of(Kind::kLiteral);
  type.literals = {std::string("text/plain"), std::string("application/pdf")};
  return type;
}

Type Arguments() { return Of(Kind::kDict, {Of(Kind::kStr), Of(Kind::kAny)}); }

// The elements of these types' lists are objects too. Types cannot say so: they are written out where they are used.
Type Unnamed(absl::string_view name) {
  Type type = Of(Kind::kAny);
  type.language = std::string(name);
  return type;
}

std::vector<BamlField> FieldsOf(absl::string_view name) {
  const Type text = Of(Kind::kStr);
  const Type number = Of(Kind::kInt);
  const Type optional_text = Optional(Kind::kStr);
  if (name == "Image") return {{"url", text}};
  if (name == "Audio") return {{"data", text}, {"audio_format", text}};
  if (name == "File") return {{"file_data", optional_text}, {"file_id", optional_text}, {"filename", optional_text}};
  if (name == "Document") {
    return {{"data", text}, {"title", optional_text}, {"media_type", MediaTypes()}, {"context", optional_text}};
  }
  if (name == "Citations") return {{"citations", Of(Kind::kList, {Unnamed("Citation")})}};
  if (name == "Citation") {
    return {{"type", text},
            {"cited_text", text},
            {"document_index", number},
            {"document_title", optional_text},
            {"start_char_index", number},
            {"end_char_index", number},
            {"supported_text", optional_text}};
  }
  if (name == "History") return {{"messages", Of(Kind::kList, {Arguments()})}};
  if (name == "ToolCalls") {
    return {{"tool_calls", Of(Kind::kList, {Unnamed("ToolCall")})}, {"tool_call_results", Optional(Kind::kAny)}};
  }
  if (name == "ToolCall") return {{"id", optional_text}, {"name", text}, {"args", Arguments()}};
  if (name == "ToolCallResults") return {{"tool_call_results", Of(Kind::kList, {Unnamed("ToolCallResult")})}};
  if (name == "ToolCallResult") {
    return {{"call_id", optional_text}, {"name", text}, {"value", Of(Kind::kAny)}, {"is_error", Of(Kind::kBool)}};
  }
  if (name == "Reasoning") return {{"content", text}};
  if (name == "Code") return {{"code", text}};
  return {};
}

}  // namespace

std::optional<BamlObject> BuiltinObject(const Phrasebook& book, const Type& type) {
  std::string name(BuiltinName(type.kind));
  if (type.kind == Kind::kAny) name = type.language;
  // A tool has a function in it, which is nothing to show.
  if (name.empty() || type.kind == Kind::kTool) return std::nullopt;
  BamlObject object{name, {}, FieldsOf(name)};
  if (type.kind == Kind::kCode && !type.language.empty()) {
    // Code of a language is a class of its own, which says nothing of itself.
    object.key = type.ToString();
    return object;
  }
  if (const auto found = book.builtin_docs.find(name); found != book.builtin_docs.end()) {
    object.documentation = found->second;
  }
  return object;
}

}  // namespace dspex
