#include <absl/strings/match.h>
#include <absl/strings/numbers.h>
#include <absl/strings/strip.h>

#include <algorithm>
#include <nlohmann/json.hpp>
#include <optional>
#include <utility>

#include "engine/json/python_format.h"
#include "engine/json/python_literal.h"
#include "engine/json/python_repr.h"
#include "engine/json/tolerant_json.h"
#include "engine/signature/coerce.h"
#include "engine/signature/coerce_error.h"
#include "engine/signature/coercion.h"
#include "engine/signature/named_type.h"
#include "engine/signature/python_equals.h"
#include "engine/signature/text_trim.h"

namespace dspex {

namespace {

using Kind = Type::Kind;

bool HasAlternative(const Type& type, Kind kind) {
  return std::any_of(type.arguments.begin(), type.arguments.end(),
                     [kind](const Type& alternative) { return alternative.kind == kind; });
}

// What validates a text of its own kind where its JSON does not fit.
bool ReadsText(Kind kind) {
  switch (kind) {
    case Kind::kImage:
    case Kind::kAudio:
    case Kind::kFile:
    case Kind::kDocument:
    case Kind::kCitations:
    case Kind::kTool:
    case Kind::kToolCalls:
    case Kind::kReasoning:
    case Kind::kCode:
      return true;
    default:
      return false;
  }
}

struct Candidate {
  Json value;
  PythonRoot root = PythonRoot::kValue;
};

// What is JSON, or nothing but a literal of Python, for certain: most ints and bools.
std::optional<Json> ReadPlain(absl::string_view text) {
  constexpr absl::string_view kSpace = " \t\n\r";
  const std::size_t first = text.find_first_not_of(kSpace);
  if (first == absl::string_view::npos) return std::nullopt;
  text = text.substr(first, text.find_last_not_of(kSpace) - first + 1);
  if (text == "true" || text == "false") return Json(text == "true");
  // Python minds the indentation of a line.
  if (first == 0 && (text == "True" || text == "False")) return Json(text == "True");
  constexpr std::size_t kMaxDigits = 18;
  const absl::string_view digits = absl::StripPrefix(text, "-");
  if (digits.empty() || digits.size() > kMaxDigits || (digits.front() == '0' && digits.size() > 1)) return std::nullopt;
  std::int64_t number = 0;
  for (const char c : digits) {
    if (c < '0' || c > '9') return std::nullopt;
    number = number * 10 + (c - '0');
  }
  if (digits.size() == text.size()) return Json(static_cast<std::uint64_t>(number));
  return Json(-number);
}

// JSON, mended where it has to be, else a Python literal, else the text.
Candidate ReadCandidate(absl::string_view text) {
  if (std::optional<Json> plain = ReadPlain(text)) return {*std::move(plain)};
  absl::StatusOr<Json> json = ParseTolerantJson(text);
  // An empty string says that there was none.
  const bool none = !json.ok() || (json->is_string() && json->get_ref<const std::string&>().empty());
  if (!none || text.empty()) return {json.ok() ? *std::move(json) : Json(std::string(text))};
  Candidate candidate;
  if (std::optional<Json> literal = ParsePythonLiteral(text, {}, &candidate.root)) {
    candidate.value = *std::move(literal);
  } else {
    candidate.value = std::string(text);
  }
  return candidate;
}

bool IsMember(const Type& type, absl::string_view text) {
  return std::any_of(type.literals.begin(), type.literals.end(), [text](const Type::LiteralValue& literal) {
    const auto* member = std::get_if<std::string>(&literal);
    return member != nullptr && *member == text;
  });
}

// Takes away what models put around a Literal's value: "Literal[...]", quotes.
absl::string_view Unwrap(absl::string_view text) {
  text = StripPythonSpace(text);
  if ((absl::StartsWith(text, "Literal[") || absl::StartsWith(text, "str[")) && absl::EndsWith(text, "]")) {
    text.remove_suffix(1);
    text.remove_prefix(text.find('[') + 1);
  }
  if (text.size() > 1 && text.front() == text.back() && (text.front() == '"' || text.front() == '\'')) {
    text = text.substr(1, text.size() - 2);
  }
  return text;
}

absl::StatusOr<Json> Refused(const Type& type) { return RefusedValue("The value", {"", type.ToString()}); }

// By value, then by name.
absl::StatusOr<Json> FindMember(const Type& type, const Json& value) {
  for (const EnumMember& member : type.named->members) {
    if (PythonEquals(*member.value, value)) return *member.value;
  }
  if (value.is_string() && !value.get_ref<const std::string&>().empty()) {
    for (const EnumMember& member : type.named->members) {
      if (member.name == value.get_ref<const std::string&>()) return *member.value;
    }
  }
  return Refused(type);
}

absl::StatusOr<Json> ValidateText(const Type& type, absl::string_view text) {
  Candidate candidate = ReadCandidate(text);
  Coercion coercion({.root = candidate.root});
  if (coercion.Run(type, candidate.value)) return std::move(candidate.value);
  if (ReadsText(type.kind) && !coercion.refusal().fatal) {
    Json value = std::string(text);
    if (Coercion().Run(type, value)) return value;
  }
  return RefusedValue("The value", coercion.refusal());
}

std::string Str(const Json& value) {
  return value.is_array() || value.is_object() ? PythonRepr(value) : PythonStr(value);
}

bool IsEqualToLiteral(const Type& type, const Json& value) {
  return std::any_of(type.literals.begin(), type.literals.end(), [&value](const Type::LiteralValue& literal) {
    if (const auto* boolean = std::get_if<bool>(&literal)) return PythonEquals(*boolean, value);
    if (const auto* integer = std::get_if<std::int64_t>(&literal)) return PythonEquals(*integer, value);
    return std::holds_alternative<std::monostate>(literal) && value.is_null();
  });
}

}  // namespace

absl::StatusOr<Json> ParseFieldText(const Type& type, absl::string_view text) {
  switch (type.kind) {
    case Kind::kStr:
      return Json(std::string(text));
    case Kind::kEnum:
      return FindMember(type, Json(std::string(text)));
    case Kind::kLiteral:
      if (IsMember(type, text)) return Json(std::string(text));
      text = Unwrap(text);
      if (IsMember(type, text)) return Json(std::string(text));
      return ValidateText(type, text);
    case Kind::kUnion:
      if (HasAlternative(type, Kind::kStr) && HasAlternative(type, Kind::kNone)) {
        return Coerce(type, Json(std::string(text)));
      }
      return ValidateText(type, text);
    default:
      return ValidateText(type, text);
  }
}

absl::StatusOr<Json> ParseFieldText(const Field& field, absl::string_view text) {
  return ParseFieldText(field.type, text);
}

absl::StatusOr<Json> ParseFieldValue(const Type& type, Json value) {
  if (value.is_string()) {
    if (type.kind == Kind::kStr) return value;
    return ParseFieldText(type, value.get_ref<const std::string&>());
  }
  switch (type.kind) {
    case Kind::kStr:
      return Json(Str(value));
    case Kind::kEnum:
      return FindMember(type, value);
    case Kind::kLiteral:
      if (IsEqualToLiteral(type, value)) return value;
      return Coerce(type, std::move(value));
    default:
      return Coerce(type, std::move(value));
  }
}

}  // namespace dspex
