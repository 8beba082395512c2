#include "engine/signature/coerce.h"

#include <absl/strings/str_cat.h>

#include <algorithm>
#include <nlohmann/json.hpp>
#include <utility>

#include "engine/base/error.h"
#include "engine/base/reasons.h"
#include "engine/json/object_builder.h"
#include "engine/json/python_format.h"
#include "engine/json/utf8.h"
#include "engine/signature/lax.h"

namespace dspex {

namespace {

using Kind = Type::Kind;

constexpr std::size_t kMaxShown = 64;

// How much a value had to change to become one of a type. A Union takes the alternative that asks for least.
enum class Change { kNone, kStrict, kLax };

// Why a value was refused. The path is put together on the way out.
struct Refusal {
  std::string path;
  std::string type;
};

bool Refuse(const Type& type, Refusal& refusal) {
  refusal.type = type.ToString();
  return false;
}

// Whether Python's == holds: True is 1, 1 is 1.0.
bool EqualsLiteral(const Type::LiteralValue& literal, const Json& value) {
  if (const auto* text = std::get_if<std::string>(&literal)) {
    return value.is_string() && value.get_ref<const std::string&>() == *text;
  }
  if (const auto* boolean = std::get_if<bool>(&literal)) {
    return value.is_boolean() ? value.get<bool>() == *boolean : value.is_number() && value == Json(*boolean ? 1 : 0);
  }
  if (const auto* integer = std::get_if<std::int64_t>(&literal)) {
    if (value.is_boolean()) return *integer == (value.get<bool>() ? 1 : 0);
    return value.is_number() && value == Json(*integer);
  }
  return value.is_null();
}

// Of several equal members pydantic takes that of the value's own kind, and for a float the bool.
bool IsPreferred(const Type::LiteralValue& literal, const Json& value) {
  if (std::holds_alternative<bool>(literal)) return value.is_boolean() || value.is_number_float();
  if (std::holds_alternative<std::int64_t>(literal)) return value.is_number_integer();
  return true;
}

// The member of the Literal that the value is; null if it is none.
const Type::LiteralValue* FindLiteral(const Type& type, const Json& value) {
  const Type::LiteralValue* equal = nullptr;
  for (const Type::LiteralValue& literal : type.literals) {
    if (!EqualsLiteral(literal, value)) continue;
    if (IsPreferred(literal, value)) return &literal;
    if (equal == nullptr) equal = &literal;
  }
  return equal;
}

Json ToJson(const Type::LiteralValue& literal) {
  if (const auto* text = std::get_if<std::string>(&literal)) return Json(*text);
  if (const auto* boolean = std::get_if<bool>(&literal)) return Json(*boolean);
  if (const auto* integer = std::get_if<std::int64_t>(&literal)) return Json(*integer);
  return Json(nullptr);
}

bool Accepts(const Type& type, const Json& value, Change change);

bool AcceptsElements(const Type& type, const Json& value, Change change) {
  // As pydantic ranks them: a list of anything takes a list as it is, a dict of anything is second to a closer type.
  if (type.kind == Kind::kList) {
    if (type.arguments.empty() || type.arguments[0].kind == Kind::kAny) return true;
    const auto& elements = value.get_ref<const Json::array_t&>();
    return std::all_of(elements.begin(), elements.end(),
                       [&](const Json& element) { return Accepts(type.arguments[0], element, change); });
  }
  if (type.arguments.empty()) return change != Change::kNone || value.empty();
  const auto& members = value.get_ref<const Json::object_t&>();
  const bool free_keys = type.arguments[0].kind == Kind::kStr;
  return std::all_of(members.begin(), members.end(), [&](const auto& member) {
    return (free_keys || Accepts(type.arguments[0], Json(member.first), change)) &&
           Accepts(type.arguments[1], member.second, change);
  });
}

// Whether the value becomes one of the type with at most this change.
bool Accepts(const Type& type, const Json& value, Change change) {
  switch (type.kind) {
    case Kind::kStr:
      return value.is_string();
    case Kind::kNone:
      return value.is_null();
    case Kind::kAny:
      return change != Change::kNone;
    case Kind::kInt:
      return change == Change::kLax ? LaxInt(value).has_value() : value.is_number_integer();
    case Kind::kFloat:
      if (change == Change::kLax) return LaxFloat(value).has_value();
      return value.is_number_float() || (change == Change::kStrict && value.is_number());
    case Kind::kBool:
      return change == Change::kLax ? LaxBool(value).has_value() : value.is_boolean();
    case Kind::kLiteral:
      return FindLiteral(type, value) != nullptr;
    case Kind::kList:
      return value.is_array() && AcceptsElements(type, value, change);
    case Kind::kDict:
      return value.is_object() && AcceptsElements(type, value, change);
    case Kind::kUnion:
      return std::any_of(type.arguments.begin(), type.arguments.end(),
                         [&](const Type& alternative) { return Accepts(alternative, value, change); });
  }
  return false;
}

bool CoerceInPlace(const Type& type, Json& value, Refusal& refusal);

template <typename Converted>
bool Replace(const Type& type, Json& value, Converted converted, Refusal& refusal) {
  if (!converted.has_value()) return Refuse(type, refusal);
  value = *std::move(converted);
  return true;
}

bool CoerceList(const Type& type, Json& value, Refusal& refusal) {
  if (!value.is_array()) return Refuse(type, refusal);
  if (type.arguments.empty()) return true;
  std::size_t index = 0;
  for (Json& element : value.get_ref<Json::array_t&>()) {
    if (!CoerceInPlace(type.arguments[0], element, refusal)) {
      refusal.path = absl::StrCat("[", index, "]", refusal.path);
      return false;
    }
    ++index;
  }
  return true;
}

// A key as JSON writes it.
std::string KeyText(const Json& key) {
  if (key.is_boolean()) return key.get<bool>() ? "true" : "false";
  return PythonStr(key);
}

// Keys that become equal: the last value wins, in the place of the first.
bool CoerceKeys(const Type& type, Json& value, Refusal& refusal) {
  auto& members = value.get_ref<Json::object_t&>();
  ObjectBuilder result(members.size());
  for (auto& [name, member] : members) {
    Json key = name;
    if (!CoerceInPlace(type, key, refusal)) {
      refusal.path = absl::StrCat(".", Shorten(name, kMaxShown), refusal.path);
      return false;
    }
    result.Add(KeyText(key), std::move(member));
  }
  value = result.Take();
  return true;
}

bool CoerceDict(const Type& type, Json& value, Refusal& refusal) {
  if (!value.is_object()) return Refuse(type, refusal);
  if (type.arguments.empty()) return true;
  for (auto& [name, member] : value.get_ref<Json::object_t&>()) {
    if (!CoerceInPlace(type.arguments[1], member, refusal)) {
      refusal.path = absl::StrCat(".", Shorten(name, kMaxShown), refusal.path);
      return false;
    }
  }
  const Kind key = type.arguments[0].kind;
  return key == Kind::kStr || key == Kind::kAny || CoerceKeys(type.arguments[0], value, refusal);
}

bool CoerceUnion(const Type& type, Json& value, Refusal& refusal) {
  for (const Change change : {Change::kNone, Change::kStrict, Change::kLax}) {
    for (const Type& alternative : type.arguments) {
      if (Accepts(alternative, value, change)) return CoerceInPlace(alternative, value, refusal);
    }
  }
  return Refuse(type, refusal);
}

// The depth of the recursion is the type's.
bool CoerceInPlace(const Type& type, Json& value, Refusal& refusal) {
  switch (type.kind) {
    case Kind::kStr:
      return value.is_string() || Refuse(type, refusal);
    case Kind::kNone:
      return value.is_null() || Refuse(type, refusal);
    case Kind::kAny:
      return true;
    case Kind::kInt:
      return value.is_number_integer() || Replace(type, value, LaxInt(value), refusal);
    case Kind::kFloat:
      return value.is_number_float() || Replace(type, value, LaxFloat(value), refusal);
    case Kind::kBool:
      return value.is_boolean() || Replace(type, value, LaxBool(value), refusal);
    case Kind::kLiteral: {
      const Type::LiteralValue* literal = FindLiteral(type, value);
      if (literal == nullptr) return Refuse(type, refusal);
      if (!std::holds_alternative<std::string>(*literal)) value = ToJson(*literal);
      return true;
    }
    case Kind::kList:
      return CoerceList(type, value, refusal);
    case Kind::kDict:
      return CoerceDict(type, value, refusal);
    case Kind::kUnion:
      return CoerceUnion(type, value, refusal);
  }
  return false;
}

Error ValueError(absl::string_view what, const Refusal& refusal) {
  Error error(absl::StatusCode::kInvalidArgument, reason::kInvalidValue,
              absl::StrCat(what, refusal.path.empty() ? "" : absl::StrCat(" at ", refusal.path), " is no ",
                           refusal.type, ". Give a value of that type."));
  error.With("path", refusal.path).With("type", refusal.type);
  return error;
}

absl::Status InvalidInput(const Field& field, const Refusal& refusal) {
  Error error = ValueError(absl::StrCat("The input ", field.name), refusal);
  return std::move(error.With("field", field.name))
      .Violation(absl::StrCat(field.name, refusal.path), absl::StrCat("is no ", refusal.type));
}

std::size_t EditDistance(absl::string_view a, absl::string_view b) {
  std::vector<std::size_t> row(b.size() + 1);
  for (std::size_t j = 0; j <= b.size(); ++j) row[j] = j;
  for (std::size_t i = 1; i <= a.size(); ++i) {
    std::size_t diagonal = std::exchange(row[0], i);
    for (std::size_t j = 1; j <= b.size(); ++j) {
      const std::size_t change = diagonal + (a[i - 1] == b[j - 1] ? 0 : 1);
      diagonal = std::exchange(row[j], std::min({change, row[j] + 1, row[j - 1] + 1}));
    }
  }
  return row.back();
}

// What the caller may have meant by a name; empty if nothing is near.
absl::string_view NearestInput(const Signature& signature, absl::string_view name) {
  if (name.size() > kMaxShown) return "";
  absl::string_view nearest;
  std::size_t best = std::max<std::size_t>(name.size() / 3, 1) + 1;
  for (const Field& field : signature.inputs()) {
    if (field.name.size() > kMaxShown) continue;
    const std::size_t distance = EditDistance(name, field.name);
    if (distance < best) {
      best = distance;
      nearest = field.name;
    }
  }
  return nearest;
}

absl::Status UnknownInput(const Signature& signature, absl::string_view name) {
  const std::string shown = Shorten(name, kMaxShown);
  const absl::string_view nearest = NearestInput(signature, name);
  std::string advice = "Leave it out.";
  if (!nearest.empty()) {
    advice = absl::StrCat("Did you mean ", nearest, "?");
  } else if (signature.FindOutput(name) != nullptr) {
    advice = "It is an output: leave it out.";
  }
  return Error(absl::StatusCode::kInvalidArgument, reason::kUnknownField,
               absl::StrCat("The signature has no input ", shown, ". ", advice))
      .With("field", shown)
      .Violation(shown, "is no input of the signature");
}

absl::Status MissingInput(const Field& field) {
  return Error(absl::StatusCode::kInvalidArgument, reason::kMissingInput,
               absl::StrCat("The input ", field.name, " is missing. Give a value of type ", field.type.ToString(), "."))
      .With("field", field.name)
      .With("type", field.type.ToString())
      .Violation(field.name, "is missing");
}

// Whether the members are the signature's inputs, all and in order, as most callers send them.
bool InOrder(const std::vector<Field>& fields, const Json::object_t& members) {
  return fields.size() == members.size() &&
         std::equal(fields.begin(), fields.end(), members.begin(),
                    [](const Field& field, const auto& member) { return field.name == member.first; });
}

absl::StatusOr<Json> Reorder(const Signature& signature, Json inputs) {
  auto& members = inputs.get_ref<Json::object_t&>();
  const std::vector<Field>& fields = signature.inputs();
  std::vector<Json*> given(fields.size(), nullptr);
  for (auto& [name, value] : members) {
    const Field* field = signature.FindInput(name);
    if (field == nullptr) return UnknownInput(signature, name);
    given[static_cast<std::size_t>(field - fields.data())] = &value;
  }
  Json::object_t ordered;
  ordered.reserve(members.size());
  for (std::size_t i = 0; i < fields.size(); ++i) {
    if (given[i] != nullptr) {
      ordered.emplace_back(fields[i].name, std::move(*given[i]));
    } else if (!fields[i].type.AllowsNone()) {
      return MissingInput(fields[i]);
    }
  }
  return Json(std::move(ordered));
}

}  // namespace

absl::StatusOr<Json> Coerce(const Type& type, Json value) {
  Refusal refusal;
  if (!CoerceInPlace(type, value, refusal)) return ValueError("The value", refusal);
  return value;
}

absl::StatusOr<Json> CoerceInputs(const Signature& signature, Json inputs) {
  if (!inputs.is_object()) {
    return Error(absl::StatusCode::kInvalidArgument, reason::kInvalidRequest,
                 "The inputs are no JSON object. Give an object with a member for each input field.");
  }
  if (!InOrder(signature.inputs(), inputs.get_ref<const Json::object_t&>())) {
    absl::StatusOr<Json> ordered = Reorder(signature, std::move(inputs));
    if (!ordered.ok()) return ordered;
    inputs = *std::move(ordered);
  }
  Refusal refusal;
  auto field = signature.inputs().begin();
  for (auto& [name, value] : inputs.get_ref<Json::object_t&>()) {
    while (field->name != name) ++field;  // Members stand in the fields' order; some may be absent.
    if (!CoerceInPlace(field->type, value, refusal)) return InvalidInput(*field, refusal);
  }
  return inputs;
}

}  // namespace dspex
