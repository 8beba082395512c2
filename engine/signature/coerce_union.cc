#include <algorithm>
#include <nlohmann/json.hpp>
#include <utility>

#include "engine/signature/coercion.h"

namespace dspex {

namespace {

using Kind = Type::Kind;

// Each level of nested Unions copies what it tries: a recursive type could make that exponential.
constexpr std::size_t kMaxCopied = 4'000'000;

bool TakesArray(Kind kind) {
  switch (kind) {
    case Kind::kAny:
    case Kind::kList:
    case Kind::kTuple:
    case Kind::kSet:
    case Kind::kFrozenSet:
    case Kind::kUnion:
    case Kind::kEnum:
    case Kind::kCitations:
    case Kind::kToolCalls:
    case Kind::kToolCallResults:
      return true;
    default:
      return false;
  }
}

bool TakesObject(Kind kind) {
  switch (kind) {
    case Kind::kList:
    case Kind::kTuple:
    case Kind::kSet:
    case Kind::kFrozenSet:
    case Kind::kLiteral:
      return false;
    default:
      return kind >= Kind::kList || kind == Kind::kAny;
  }
}

// Whether the alternative may take a value of that kind, or end everything.
bool MayTake(const Type& alternative, const Json& value) {
  if (alternative.kind == Kind::kNone) return value.is_null();
  if (value.is_array()) return TakesArray(alternative.kind);
  if (value.is_object()) return TakesObject(alternative.kind);
  return true;
}

bool HasNone(const Type& type) {
  return std::any_of(type.arguments.begin(), type.arguments.end(),
                     [](const Type& alternative) { return alternative.kind == Kind::kNone; });
}

Kind OwnKind(const Json& value) {
  if (value.is_string()) return Kind::kStr;
  if (value.is_boolean()) return Kind::kBool;
  if (value.is_number_integer()) return Kind::kInt;
  return value.is_number_float() ? Kind::kFloat : Kind::kAny;
}

// The alternative that takes the value as it is, where that is certain: a Literal before it might take it, too, and a
// timedelta end everything.
const Type* ExactScalar(const Type& type, const Json& value) {
  const Kind own = OwnKind(value);
  if (own == Kind::kAny) return nullptr;
  for (const Type& alternative : type.arguments) {
    if (alternative.kind == own && alternative.constraints == nullptr) return &alternative;
    const bool literal = alternative.kind == Kind::kLiteral && own != Kind::kStr;
    if (literal || alternative.kind == Kind::kTimedelta || alternative.kind == Kind::kUnion) return nullptr;
  }
  return nullptr;
}

}  // namespace

// Copies the value, within the budget.
bool Coercion::Copy(const Json& value, Json& copy) {
  if (++copied_ > kMaxCopied) return false;
  if (value.is_array()) {
    Json::array_t elements;
    elements.reserve(value.size());
    for (const Json& element : value.get_ref<const Json::array_t&>()) {
      if (!Copy(element, elements.emplace_back())) return false;
    }
    copy = Json(std::move(elements));
  } else if (value.is_object()) {
    Json::object_t members;
    members.reserve(value.size());
    for (const auto& [key, member] : value.get_ref<const Json::object_t&>()) {
      if (!Copy(member, members.emplace_back(key, Json()).second)) return false;
    }
    copy = Json(std::move(members));
  } else {
    copy = value;
  }
  return true;
}

bool Coercion::RunUnion(const Type& type, Json& value) {
  if (value.is_null() && HasNone(type)) {
    leaf_ = nullptr;
    return true;
  }
  if (const Type* exact = ExactScalar(type, value)) {
    leaf_ = exact;
    return true;
  }
  const Type* only = nullptr;
  for (const Type& alternative : type.arguments) {
    if (!MayTake(alternative, value)) continue;
    if (only != nullptr) return RunBest(type, value);
    only = &alternative;
  }
  return only != nullptr ? RunOnly(type, *only, value) : Refuse(type);
}

// Needs no copy. What is wrong deep within the only possible alternative is said as it is.
bool Coercion::RunOnly(const Type& type, const Type& alternative, Json& value) {
  if (Run(alternative, value)) return true;
  return refusal_.path.empty() ? Refuse(type) : false;
}

bool Coercion::RunBest(const Type& type, Json& value) {
  const Exactness outer_exactness = exactness_;
  const std::optional<std::size_t> outer_fields = fields_;
  Exactness best_exactness = Exactness::kLax;
  std::optional<std::size_t> best_fields;
  const Type* best_leaf = nullptr;
  Json best;
  bool found = false;
  const int depth = depth_;
  for (const Type& alternative : type.arguments) {
    if (!MayTake(alternative, value)) continue;
    exactness_ = Exactness::kExact;
    fields_.reset();
    depth_ = depth;  // A refusal leaves it where it was refused.
    Json attempt;
    if (!value.is_structured()) {
      attempt = value;
    } else if (!Copy(value, attempt)) {
      return Abort(type);
    }
    if (!Run(alternative, attempt)) {
      if (refusal_.fatal) return Refuse(type);
      continue;
    }
    const bool exact = exactness_ == Exactness::kExact && !fields_.has_value();
    const bool more_fields = best_fields.has_value() && fields_.has_value() && best_fields != fields_;
    if (exact || !found || (more_fields ? *best_fields < *fields_ : best_exactness < exactness_)) {
      found = true;
      best = std::move(attempt);
      best_exactness = exactness_;
      best_fields = fields_;
      best_leaf = leaf_;
    }
    if (exact) break;
  }
  depth_ = depth;
  exactness_ = outer_exactness;
  fields_ = outer_fields;
  if (!found) return Refuse(type);
  value = std::move(best);
  leaf_ = best_leaf;
  Floor(best_exactness);
  if (best_fields.has_value()) CountFields(*best_fields);
  return true;
}

}  // namespace dspex
