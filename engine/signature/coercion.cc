#include "engine/signature/coercion.h"

#include <absl/strings/str_cat.h>

#include <nlohmann/json.hpp>
#include <utility>

namespace dspex {

using Kind = Type::Kind;

bool Coercion::Refuse(const Type& type) {
  refusal_.path.clear();
  refusal_.type = type.ToString();
  return false;
}

bool Coercion::Abort(const Type& type) {
  refusal_.fatal = true;
  return Refuse(type);
}

bool Coercion::RefuseBelow(absl::string_view segment) {
  refusal_.path.insert(0, segment.data(), segment.size());
  return false;
}

void Coercion::Floor(Exactness exactness) {
  if (exactness < exactness_) exactness_ = exactness;
}

void Coercion::CountFields(std::size_t fields) { fields_ = fields_.value_or(0) + fields; }

// The last step of each type but a Union.
bool Coercion::AcceptAs(const Type& type, Exactness exactness) {
  Floor(exactness);
  leaf_ = &type;
  return true;
}

// The depth of the recursion is the value's, times two for a Union in each level of it.
bool Coercion::Run(const Type& type, Json& value) {
  switch (type.kind) {
    // The most frequent ones take the short way.
    case Kind::kStr:
      if (value.is_string() && type.constraints == nullptr) {
        leaf_ = &type;
        return true;
      }
      return RunStr(type, value);
    case Kind::kLiteral:
      return RunLiteral(type, value);
    case Kind::kList:
      return RunList(type, value);
    case Kind::kDict:
      return RunDict(type, value);
    case Kind::kTuple:
      return RunTuple(type, value);
    case Kind::kSet:
    case Kind::kFrozenSet:
      return RunSet(type, value);
    case Kind::kUnion:
      return RunUnion(type, value);
    case Kind::kEnum:
      return RunEnum(type, value);
    case Kind::kModel:
      return RunModel(type, value);
    default:
      return IsDspyType(type.kind) ? RunDspy(type, value) : RunScalar(type, value);
  }
}

}  // namespace dspex
