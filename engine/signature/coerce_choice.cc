#include <absl/strings/string_view.h>

#include <nlohmann/json.hpp>

#include "engine/signature/coercion.h"
#include "engine/signature/lax.h"
#include "engine/signature/named_type.h"
#include "engine/signature/python_equals.h"

namespace dspex {

namespace {

Json ToJson(const Type::LiteralValue& literal) {
  if (const auto* text = std::get_if<std::string>(&literal)) return Json(*text);
  if (const auto* boolean = std::get_if<bool>(&literal)) return Json(*boolean);
  if (const auto* integer = std::get_if<std::int64_t>(&literal)) return Json(*integer);
  return Json(nullptr);
}

bool Equals(const Type::LiteralValue& literal, const Json& value) {
  if (const auto* text = std::get_if<std::string>(&literal)) {
    return value.is_string() && value.get_ref<const std::string&>() == *text;
  }
  return PythonEquals(ToJson(literal), value);
}

// Of several equal members pydantic takes that of the value's own kind, and for a float the bool.
bool IsPreferred(const Type::LiteralValue& literal, const Json& value) {
  if (std::holds_alternative<bool>(literal)) return value.is_boolean() || value.is_number_float();
  if (std::holds_alternative<std::int64_t>(literal)) return value.is_number_integer();
  return true;
}

// The member that the value is; null if it is none.
const Type::LiteralValue* FindLiteral(const Type& type, const Json& value) {
  const Type::LiteralValue* equal = nullptr;
  for (const Type::LiteralValue& literal : type.literals) {
    if (!Equals(literal, value)) continue;
    if (IsPreferred(literal, value)) return &literal;
    if (equal == nullptr) equal = &literal;
  }
  return equal;
}

// The member of that value, which no two members share.
const Json* FindMember(const NamedType& enumeration, const Json& value) {
  for (const EnumMember& member : enumeration.members) {
    if (PythonEquals(*member.value, value)) return member.value.get();
  }
  return nullptr;
}

}  // namespace

// A Literal takes a value as it is, even one that is only equal: True and 1.0 are a 1.
bool Coercion::RunLiteral(const Type& type, Json& value) {
  const Type::LiteralValue* literal = FindLiteral(type, value);
  if (literal == nullptr) return Refuse(type);
  if (!std::holds_alternative<std::string>(*literal)) value = ToJson(*literal);
  return AcceptAs(type, Exactness::kExact);
}

bool Coercion::RunEnum(const Type& type, Json& value) {
  const Json* member = nullptr;
  if (type.named->mixin == NamedType::Mixin::kInt) {
    if (const std::optional<Json> integer = LaxInt(value)) member = FindMember(*type.named, *integer);
  } else if (type.named->mixin == NamedType::Mixin::kFloat) {
    if (const std::optional<double> number = LaxFloat(value)) member = FindMember(*type.named, *number);
  }
  if (member == nullptr) member = FindMember(*type.named, value);
  if (member == nullptr) return Refuse(type);
  value = *member;
  return AcceptAs(type, Exactness::kLax);
}

}  // namespace dspex
