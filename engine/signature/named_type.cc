#include "engine/signature/named_type.h"

#include <re2/re2.h>

#include <nlohmann/json.hpp>
#include <utility>

namespace dspex {

bool Constraints::operator==(const Constraints& other) const {
  return minimum == other.minimum && maximum == other.maximum && exclusive_minimum == other.exclusive_minimum &&
         exclusive_maximum == other.exclusive_maximum && multiple_of == other.multiple_of &&
         min_length == other.min_length && max_length == other.max_length && pattern == other.pattern;
}

bool NamedType::operator==(const NamedType& other) const {
  return this == &other || (name == other.name && *schema == *other.schema);
}

TypeTable::Declaration::Declaration(std::string name, Json schema)
    : name(std::move(name)), schema(std::make_shared<const Json>(std::move(schema))) {}

std::shared_ptr<const NamedType> TypeTable::Find(absl::string_view name) const {
  const auto found = by_name_.find(name);
  if (found == by_name_.end()) return nullptr;
  return std::shared_ptr<const NamedType>(shared_from_this(), found->second);
}

TypeTable::TypeTable() = default;
TypeTable::~TypeTable() = default;

}  // namespace dspex
