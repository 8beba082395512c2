#include "engine/signature/type.h"

#include <absl/strings/str_cat.h>

#include <algorithm>
#include <nlohmann/json.hpp>

#include "engine/signature/named_type.h"
#include "engine/signature/type_names.h"

namespace dspex {

namespace {

using Kind = Type::Kind;

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
  for (std::size_t i = 0; i < text.size(); ++i) {
    const char c = text[i];
    const auto byte = static_cast<unsigned char>(c);
    if (c == quote || c == '\\') {
      out.push_back('\\');
      out.push_back(c);
    } else if (c == '-' && i + 1 < text.size() && text[i + 1] == '>') {
      out.append("\\x2d");  // An arrow within a Literal would count as the signature's.
    } else if (byte < 0x20 || byte == 0x7F) {
      absl::StrAppend(&out, "\\x", absl::string_view(&kHex[byte >> 4], 1), absl::string_view(&kHex[byte & 0xF], 1));
    } else {
      out.push_back(c);
    }
  }
  out.push_back(quote);
}

void AppendLiteral(std::string& out, const Type::LiteralValue& value, bool notation) {
  if (const auto* text = std::get_if<std::string>(&value)) {
    notation ? AppendEscaped(out, *text) : AppendShown(out, *text);
  } else if (const auto* boolean = std::get_if<bool>(&value)) {
    absl::StrAppend(&out, *boolean ? "True" : "False");
  } else if (const auto* integer = std::get_if<std::int64_t>(&value)) {
    absl::StrAppend(&out, *integer);
  } else {
    absl::StrAppend(&out, "None");
  }
}

// The name, and whether that is all of the type.
bool AppendName(std::string& out, const Type& type, bool notation) {
  if (type.named != nullptr) {
    absl::StrAppend(&out, notation ? type.named->name : type.named->shown);
    return true;
  }
  if (notation) {
    const TypeNotation name = NotationOf(type);
    absl::StrAppend(&out, name.module, name.module.empty() ? "" : ".", name.name);
    if (type.kind == Kind::kCode && !type.language.empty()) {
      out.push_back('[');
      AppendEscaped(out, type.language);
      out.push_back(']');
    }
    return type.kind == Kind::kCode;
  }
  if (type.kind == Kind::kCode) {
    absl::StrAppend(&out, "Code", type.language.empty() ? "" : "_", type.language);
    return true;
  }
  absl::StrAppend(&out, ShownTypeName(type));
  return false;
}

void AppendType(std::string& out, const Type& type, bool notation) {
  if (AppendName(out, type, notation)) return;
  const bool empty_tuple = type.kind == Kind::kTuple && type.arguments.empty() && !type.variadic;
  if (type.arguments.empty() && type.literals.empty()) {
    if (empty_tuple) {
      absl::StrAppend(&out, notation ? "[()]" : "[]");
    } else if (type.alias && type.kind != Kind::kNone && !notation) {
      absl::StrAppend(&out, "[]");
    }
    return;
  }
  absl::string_view separator = "[";
  for (const Type& argument : type.arguments) {
    absl::StrAppend(&out, separator);
    AppendType(out, argument, notation);
    separator = ", ";
  }
  if (type.variadic) absl::StrAppend(&out, separator, notation ? "..." : "Ellipsis");
  for (const Type::LiteralValue& value : type.literals) {
    absl::StrAppend(&out, separator);
    separator = ", ";
    AppendLiteral(out, value, notation);
  }
  out.push_back(']');
}

template <typename T>
bool SamePointee(const std::shared_ptr<const T>& a, const std::shared_ptr<const T>& b) {
  return a == b || (a != nullptr && b != nullptr && *a == *b);
}

}  // namespace

bool Type::operator==(const Type& other) const {
  return kind == other.kind && variadic == other.variadic && alias == other.alias && language == other.language &&
         literals == other.literals && SamePointee(named, other.named) && SamePointee(constraints, other.constraints) &&
         arguments == other.arguments;
}

bool Type::AllowsNone() const {
  if (named != nullptr) return false;
  return kind == Kind::kNone ||
         (kind == Kind::kUnion &&
          std::any_of(arguments.begin(), arguments.end(), [](const Type& type) { return type.AllowsNone(); }));
}

const Type& Type::WithoutNone() const {
  if (kind != Kind::kUnion) return *this;
  const Type* only = nullptr;
  for (const Type& alternative : arguments) {
    if (alternative.kind == Kind::kNone) continue;
    if (only != nullptr) return *this;
    only = &alternative;
  }
  return only == nullptr ? *this : *only;
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
