#include "engine/signature/type.h"

#include <absl/strings/str_cat.h>

#include <algorithm>

namespace dspex {

namespace {

absl::string_view Name(Type::Kind kind) {
  switch (kind) {
    case Type::Kind::kStr:
      return "str";
    case Type::Kind::kInt:
      return "int";
    case Type::Kind::kFloat:
      return "float";
    case Type::Kind::kBool:
      return "bool";
    case Type::Kind::kNone:
      return "NoneType";
    case Type::Kind::kAny:
      return "Any";
    case Type::Kind::kList:
      return "list";
    case Type::Kind::kDict:
      return "dict";
    case Type::Kind::kUnion:
      return "Union";
    case Type::Kind::kLiteral:
      return "Literal";
  }
  return "";
}

// Single quotes, unless the text has single quotes only.
char QuoteFor(const std::string& text) {
  return text.find('\'') != std::string::npos && text.find('"') == std::string::npos ? '"' : '\'';
}

// As DSPy prints it: nothing is escaped but a single quote where both kinds occur.
void AppendShown(std::string& out, const std::string& text) {
  const char quote = QuoteFor(text);
  out.push_back(quote);
  for (const char c : text) {
    if (c == '\'' && quote == '\'') out.push_back('\\');
    out.push_back(c);
  }
  out.push_back(quote);
}

void AppendEscaped(std::string& out, const std::string& text) {
  constexpr char kHex[] = "0123456789abcdef";
  const char quote = QuoteFor(text);
  out.push_back(quote);
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if (c == quote || c == '\\') {
      out.push_back('\\');
      out.push_back(c);
    } else if (byte < 0x20 || byte == 0x7F) {
      absl::StrAppend(&out, "\\x", absl::string_view(&kHex[byte >> 4], 1), absl::string_view(&kHex[byte & 0xF], 1));
    } else {
      out.push_back(c);
    }
  }
  out.push_back(quote);
}

void AppendType(std::string& out, const Type& type, bool escape) {
  absl::StrAppend(&out, Name(type.kind));
  if (type.arguments.empty() && type.kind != Type::Kind::kLiteral) return;
  absl::string_view separator = "[";
  for (const Type& argument : type.arguments) {
    absl::StrAppend(&out, separator);
    AppendType(out, argument, escape);
    separator = ", ";
  }
  for (const Type::LiteralValue& value : type.literals) {
    absl::StrAppend(&out, separator);
    separator = ", ";
    if (const auto* text = std::get_if<std::string>(&value)) {
      escape ? AppendEscaped(out, *text) : AppendShown(out, *text);
    } else if (const auto* boolean = std::get_if<bool>(&value)) {
      absl::StrAppend(&out, *boolean ? "True" : "False");
    } else if (const auto* integer = std::get_if<std::int64_t>(&value)) {
      absl::StrAppend(&out, *integer);
    } else {
      absl::StrAppend(&out, "None");
    }
  }
  out.push_back(']');
}

}  // namespace

bool Type::AllowsNone() const {
  switch (kind) {
    case Kind::kNone:
    case Kind::kAny:
      return true;
    case Kind::kUnion:
      return std::any_of(arguments.begin(), arguments.end(), [](const Type& type) { return type.AllowsNone(); });
    case Kind::kLiteral:
      return std::find(literals.begin(), literals.end(), LiteralValue()) != literals.end();
    default:
      return false;
  }
}

std::string Type::ToString() const {
  std::string out;
  AppendType(out, *this, false);
  return out;
}

std::string Type::ToNotation() const {
  std::string out;
  AppendType(out, *this, true);
  return out;
}

}  // namespace dspex
