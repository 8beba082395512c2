#include "engine/signature/json_schema.h"

#include <algorithm>
#include <nlohmann/json.hpp>
#include <utility>
#include <vector>

#include "engine/signature/schema_composer.h"

namespace dspex {

Json JsonSchema(const Type& type, const BuiltinSchemas& builtin, bool by_alias) {
  SchemaComposer composer(builtin, by_alias);
  Json root = composer.Write(type);
  return composer.Finish(std::move(root));
}

Json TypeFirst(const Json& schema) {
  if (schema.is_array()) {
    Json::array_t elements;
    elements.reserve(schema.size());
    for (const Json& element : schema) elements.push_back(TypeFirst(element));
    return Json(std::move(elements));
  }
  if (!schema.is_object()) return schema;
  const auto& members = schema.get_ref<const Json::object_t&>();
  std::vector<const Json::object_t::value_type*> order;
  order.reserve(members.size());
  for (const auto& member : members) order.push_back(&member);
  std::sort(order.begin(), order.end(), [](const auto* a, const auto* b) {
    const bool a_first = a->first == "type";
    const bool b_first = b->first == "type";
    return a_first != b_first ? a_first : a->first < b->first;
  });
  Json::object_t sorted;
  sorted.reserve(order.size());
  for (const auto* member : order) sorted.emplace_back(member->first, TypeFirst(member->second));
  return Json(std::move(sorted));
}

}  // namespace dspex
