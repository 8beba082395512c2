#include <absl/strings/match.h>

#include <algorithm>
#include <nlohmann/json.hpp>
#include <optional>
#include <utility>

#include "engine/json/python_literal.h"
#include "engine/json/utf8.h"
#include "engine/signature/coerce.h"

namespace dspex {

namespace {

using Kind = Type::Kind;

bool HasAlternative(const Type& type, Kind kind) {
  return std::any_of(type.arguments.begin(), type.arguments.end(),
                     [kind](const Type& alternative) { return alternative.kind == kind; });
}

absl::string_view Strip(absl::string_view text) {
  while (!text.empty()) {
    const Utf8Char c = DecodeUtf8(text, 0);
    if (c.size == 0 || !IsPythonSpace(c.code)) break;
    text.remove_prefix(c.size);
  }
  while (!text.empty()) {
    std::size_t last = text.size() - 1;
    while (last > 0 && (static_cast<unsigned char>(text[last]) & 0xC0) == 0x80) --last;
    const Utf8Char c = DecodeUtf8(text, last);
    if (last + c.size != text.size() || !IsPythonSpace(c.code)) break;
    text.remove_suffix(text.size() - last);
  }
  return text;
}

// What stands in a code fence that encloses all of the text: "```json\n...\n```".
std::optional<absl::string_view> Unfence(absl::string_view text) {
  constexpr absl::string_view kFence = "```";
  if (text.size() < 2 * kFence.size() || !absl::StartsWith(text, kFence) || !absl::EndsWith(text, kFence)) {
    return std::nullopt;
  }
  text.remove_prefix(kFence.size());
  text.remove_suffix(kFence.size());
  const std::size_t line = text.find('\n');
  if (line == absl::string_view::npos) return Strip(text);
  // The rest of the fence's own line is the name of a language.
  return Strip(text.substr(line + 1));
}

// Whether JSON may read it otherwise than Python does: numbers and words are the same in both.
bool IsJsonsOwn(absl::string_view text) {
  return !text.empty() && absl::string_view("{[\"").find(text.front()) != absl::string_view::npos;
}

// JSON, else a Python literal, else the text as a string.
Json ReadValue(absl::string_view text) {
  absl::string_view stripped = Strip(text);
  if (const auto inner = Unfence(stripped)) text = stripped = *inner;
  if (IsJsonsOwn(stripped)) {
    absl::StatusOr<Json> json = ParseJson(stripped);
    if (json.ok()) return *std::move(json);
  }
  if (std::optional<Json> literal = ParsePythonLiteral(stripped)) return *std::move(literal);
  return Json(std::string(text));
}

bool IsMember(const Type& type, absl::string_view text) {
  return std::any_of(type.literals.begin(), type.literals.end(), [text](const Type::LiteralValue& literal) {
    const auto* member = std::get_if<std::string>(&literal);
    return member != nullptr && *member == text;
  });
}

// Takes away what models put around a Literal's value: "Literal[...]", quotes.
absl::string_view Unwrap(absl::string_view text) {
  text = Strip(text);
  if ((absl::StartsWith(text, "Literal[") || absl::StartsWith(text, "str[")) && absl::EndsWith(text, "]")) {
    text.remove_suffix(1);
    text.remove_prefix(text.find('[') + 1);
  }
  if (text.size() > 1 && text.front() == text.back() && (text.front() == '"' || text.front() == '\'')) {
    text = text.substr(1, text.size() - 2);
  }
  return text;
}

}  // namespace

absl::StatusOr<Json> ParseFieldText(const Field& field, absl::string_view text) {
  const Type& type = field.type;
  if (type.kind == Kind::kStr) return Json(std::string(text));
  if (type.kind == Kind::kLiteral) {
    if (IsMember(type, text)) return Json(std::string(text));
    text = Unwrap(text);
    if (IsMember(type, text)) return Json(std::string(text));
  }
  if (type.kind == Kind::kUnion && HasAlternative(type, Kind::kStr) && HasAlternative(type, Kind::kNone)) {
    return Coerce(type, Json(std::string(text)));
  }
  return Coerce(type, ReadValue(text));
}

}  // namespace dspex
