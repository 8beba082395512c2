#include "engine/signature/type_union.h"

#include <absl/container/flat_hash_set.h>
#include <absl/strings/str_cat.h>
#include <absl/strings/str_join.h>

#include <algorithm>
#include <optional>
#include <string>
#include <utility>

#include "engine/json/python_format.h"
#include "engine/signature/named_type.h"

namespace dspex {

namespace {

using Kind = Type::Kind;

constexpr std::size_t kMaxAlternatives = 64;

void AppendBounds(std::string& out, const Constraints& bounds) {
  for (const std::optional<double>& bound :
       {bounds.minimum, bounds.maximum, bounds.exclusive_minimum, bounds.exclusive_maximum, bounds.multiple_of}) {
    absl::StrAppend(&out, ";");
    if (bound.has_value()) AppendPythonFloat(out, *bound);
  }
  for (const std::optional<std::size_t>& length : {bounds.min_length, bounds.max_length}) {
    absl::StrAppend(&out, ";", length.has_value() ? absl::StrCat(*length) : "");
  }
  absl::StrAppend(&out, ";", bounds.pattern.size(), ";", bounds.pattern);
}

// Two types have one key if Python's == holds between them: the order of alternatives does not count.
void AppendKey(std::string& out, const Type& type) {
  std::vector<std::string> parts;
  for (const Type& argument : type.arguments) AppendKey(parts.emplace_back(), argument);
  for (const Type::LiteralValue& literal : type.literals) {
    parts.push_back(Type{.kind = Kind::kLiteral, .literals = {literal}}.ToNotation());
  }
  if (type.kind == Kind::kUnion || type.kind == Kind::kLiteral) std::sort(parts.begin(), parts.end());
  const Type head{.kind = type.kind, .alias = type.alias, .language = type.language, .named = type.named};
  absl::StrAppend(&out, head.ToNotation(), "<", absl::StrJoin(parts, ","), type.variadic ? "...>" : ">");
  if (type.constraints != nullptr) AppendBounds(out, *type.constraints);
}

}  // namespace

absl::StatusOr<Type> MakeUnion(std::vector<Type> alternatives, const Token& token) {
  Type result{.kind = Kind::kUnion};
  absl::flat_hash_set<std::string> seen;
  const auto add = [&](Type alternative) {
    if (alternative.kind == Kind::kNone) alternative.alias = false;
    std::string key;
    AppendKey(key, alternative);
    if (seen.insert(std::move(key)).second) result.arguments.push_back(std::move(alternative));
    return result.arguments.size() <= kMaxAlternatives;
  };
  bool fits = true;
  for (Type& alternative : alternatives) {
    if (alternative.kind == Kind::kUnion && alternative.named == nullptr) {
      for (Type& inner : alternative.arguments) fits = fits && add(std::move(inner));
    } else {
      fits = fits && add(std::move(alternative));
    }
  }
  if (!fits) {
    return SignatureError(token, absl::StrCat("the union has more than ", kMaxAlternatives, " alternatives"),
                          "Use fewer.");
  }
  if (result.arguments.size() == 1) {
    Type only = std::move(result.arguments.front());
    return only;
  }
  return result;
}

}  // namespace dspex
