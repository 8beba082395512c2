#include <absl/container/flat_hash_map.h>
#include <absl/container/flat_hash_set.h>
#include <absl/strings/str_cat.h>

#include <algorithm>
#include <cmath>
#include <nlohmann/json.hpp>
#include <utility>
#include <vector>

#include "engine/json/object_builder.h"
#include "engine/json/utf8.h"
#include "engine/signature/coercion.h"

namespace dspex {

namespace {

using Kind = Type::Kind;

constexpr std::size_t kMaxShown = 64;
// Values come from readers of JSON, which stop before this.
constexpr int kMaxDepth = 1000;

const Type& AnyType() {
  static const Type& any = *new Type{.kind = Kind::kAny};  // Never destroyed.
  return any;
}

// Whether Python can hash what the type made of a value. Of the alternatives of a Union within a tuple the JSON tells
// enough; those that have no hash though they are texts, a Reasoning and Code, count only where they are alone.
bool IsHashable(const Type& type, const Json& value);

const Type& ElementType(const Type& type, std::size_t index) {
  if (type.arguments.empty()) return AnyType();
  return type.kind == Kind::kTuple && !type.variadic ? type.arguments[index] : type.arguments[0];
}

bool MayBe(const Type& type, const Json& value) {
  switch (type.kind) {
    case Kind::kNone:
      return value.is_null();
    case Kind::kTuple:
    case Kind::kFrozenSet:
      return value.is_array() && IsHashable(type, value);
    case Kind::kImage:
    case Kind::kAudio:
    case Kind::kFile:
      return value.is_object();
    default:
      return !value.is_structured() && IsHashable(type, value);
  }
}

bool IsHashable(const Type& type, const Json& value) {
  switch (type.kind) {
    case Kind::kList:
    case Kind::kDict:
    case Kind::kSet:
    case Kind::kModel:
      return false;
    case Kind::kImage:
    case Kind::kAudio:
    case Kind::kFile:
      return true;
    case Kind::kTuple:
    case Kind::kFrozenSet:
      for (std::size_t i = 0; value.is_array() && i < value.size(); ++i) {
        if (!IsHashable(ElementType(type, i), value[i])) return false;
      }
      return true;
    case Kind::kUnion:
      return std::any_of(type.arguments.begin(), type.arguments.end(),
                         [&value](const Type& alternative) { return MayBe(alternative, value); });
    default:
      return !IsDspyType(type.kind) && (type.kind != Kind::kAny || !value.is_structured());
  }
}

bool MayChangeKeys(const Type& type) {
  return (type.kind != Kind::kStr && type.kind != Kind::kAny) || type.constraints != nullptr;
}

}  // namespace

bool Coercion::RunElements(const Type& element, Json& value) {
  if (depth_ == kMaxDepth) return Refuse(element);
  ++depth_;
  std::size_t index = 0;
  for (Json& item : value.get_ref<Json::array_t&>()) {
    if (!Run(element, item)) return RefuseBelow(absl::StrCat("[", index, "]"));
    ++index;
  }
  --depth_;
  return true;
}

bool Coercion::RunList(const Type& type, Json& value) {
  if (!value.is_array()) return Refuse(type);
  if (options_.root != PythonRoot::kValue && depth_ == 0) {
    Floor(Exactness::kLax);
    if (!RunAny(value)) return Refuse(type);
  }
  // A list of anything takes a list as it is, unlike other containers of anything.
  if (!type.arguments.empty() && type.arguments[0].kind != Kind::kAny && !RunElements(type.arguments[0], value)) {
    return false;
  }
  if (!MeetsConstraints(type, value)) return Refuse(type);
  leaf_ = &type;
  return true;
}

bool Coercion::RunTuple(const Type& type, Json& value) {
  if (!value.is_array()) return Refuse(type);
  if (options_.root != PythonRoot::kTuple || depth_ > 0) Floor(Exactness::kLax);
  if (type.variadic) {
    if (!RunElements(type.arguments.empty() ? AnyType() : type.arguments[0], value)) return false;
    if (!MeetsConstraints(type, value)) return Refuse(type);
    return AcceptAs(type, Exactness::kExact);
  }
  auto& elements = value.get_ref<Json::array_t&>();
  if (elements.size() != type.arguments.size() || depth_ == kMaxDepth) return Refuse(type);
  ++depth_;
  for (std::size_t i = 0; i < elements.size(); ++i) {
    if (!Run(type.arguments[i], elements[i])) return RefuseBelow(absl::StrCat("[", i, "]"));
  }
  --depth_;
  return AcceptAs(type, Exactness::kExact);
}

// Of equal elements the first stays. Python's order is that of its hashes; here it is that of the list.
bool Coercion::RunSet(const Type& type, Json& value) {
  if (!value.is_array() || depth_ == kMaxDepth) return Refuse(type);
  if (options_.root != PythonRoot::kSet || depth_ > 0) Floor(Exactness::kLax);
  const Type& element = type.arguments.empty() ? AnyType() : type.arguments[0];
  Json::array_t kept;
  absl::flat_hash_set<std::string> keys;
  ++depth_;
  std::size_t index = 0;
  for (Json& item : value.get_ref<Json::array_t&>()) {
    if (!Run(element, item)) return RefuseBelow(absl::StrCat("[", index, "]"));
    const Type& leaf = leaf_ != nullptr ? *leaf_ : element;
    if (!IsHashable(leaf, item)) {
      Refuse(element);
      return RefuseBelow(absl::StrCat("[", index, "]"));
    }
    // Two NaN are two elements.
    const bool nan = item.is_number_float() && std::isnan(item.get<double>());
    if (nan || keys.insert(EqualityKey(leaf, item)).second) kept.push_back(std::move(item));
    ++index;
  }
  --depth_;
  value = Json(std::move(kept));
  if (!MeetsConstraints(type, value)) return Refuse(type);
  return AcceptAs(type, Exactness::kExact);
}

bool Coercion::RunDict(const Type& type, Json& value) {
  if (!value.is_object() || depth_ == kMaxDepth) return Refuse(type);
  if (type.arguments.empty()) {
    if (!value.empty()) Floor(Exactness::kStrict);
    if (!MeetsConstraints(type, value)) return Refuse(type);
    leaf_ = &type;
    return true;
  }
  ++depth_;
  if (MayChangeKeys(type.arguments[0])) {
    if (!RunKeys(type, value)) return false;
  } else {
    if (type.arguments[0].kind == Kind::kAny && !value.empty()) Floor(Exactness::kStrict);
    for (auto& [name, member] : value.get_ref<Json::object_t&>()) {
      if (!Run(type.arguments[1], member)) return RefuseBelow(absl::StrCat(".", Shorten(name, kMaxShown)));
    }
  }
  --depth_;
  if (!MeetsConstraints(type, value)) return Refuse(type);
  leaf_ = &type;
  return true;
}

// Keys that become equal: the last value wins, in the place and with the key of the first.
bool Coercion::RunKeys(const Type& type, Json& value) {
  auto& members = value.get_ref<Json::object_t&>();
  std::vector<std::pair<std::string, Json>> kept;
  kept.reserve(members.size());
  absl::flat_hash_map<std::string, std::size_t> places;
  places.reserve(members.size());
  for (auto& [name, member] : members) {
    Json key = name;
    const bool taken = Run(type.arguments[0], key);
    const Type& leaf = taken && leaf_ != nullptr ? *leaf_ : type.arguments[0];
    if (taken && !IsHashable(leaf, key)) Abort(type.arguments[0]);
    if (!taken || refusal_.fatal || !Run(type.arguments[1], member)) {
      return RefuseBelow(absl::StrCat(".", Shorten(name, kMaxShown)));
    }
    const auto [place, added] = places.emplace(EqualityKey(leaf, key), kept.size());
    if (added) {
      kept.emplace_back(KeyText(key), std::move(member));
    } else {
      kept[place->second].second = std::move(member);
    }
  }
  // Different keys may have one text in JSON.
  ObjectBuilder result(kept.size());
  for (auto& [name, member] : kept) result.Add(std::move(name), std::move(member));
  value = result.Take();
  return true;
}

}  // namespace dspex
