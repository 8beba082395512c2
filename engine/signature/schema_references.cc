#include "engine/signature/schema_references.h"

#include <absl/strings/match.h>

#include <algorithm>
#include <nlohmann/json.hpp>
#include <utility>
#include <vector>

namespace dspex {

namespace {

Json Sorted(const Json& value, absl::string_view parent) {
  if (value.is_array()) {
    Json::array_t elements;
    elements.reserve(value.size());
    for (const Json& element : value) elements.push_back(Sorted(element, parent));
    return Json(std::move(elements));
  }
  if (!value.is_object()) return value;
  const auto& members = value.get_ref<const Json::object_t&>();
  std::vector<const Json::object_t::value_type*> order;
  order.reserve(members.size());
  for (const auto& member : members) order.push_back(&member);
  if (parent != "properties" && parent != "default") {
    std::sort(order.begin(), order.end(), [](const auto* a, const auto* b) { return a->first < b->first; });
  }
  Json::object_t sorted;
  sorted.reserve(order.size());
  for (const auto* member : order) sorted.emplace_back(member->first, Sorted(member->second, member->first));
  return Json(std::move(sorted));
}

}  // namespace

std::string ReferredName(const Json& schema) {
  if (!schema.is_object() || schema.size() != 1 || !schema.contains("$ref") || !schema["$ref"].is_string()) return "";
  const auto& reference = schema["$ref"].get_ref<const std::string&>();
  return absl::StartsWith(reference, kReferencePrefix) ? reference.substr(kReferencePrefix.size()) : "";
}

Json InPydanticOrder(const Json& schema) { return Sorted(schema, ""); }

absl::flat_hash_set<std::string> ReferredNames(const Json& schema, const std::map<std::string, Json>& definitions) {
  absl::flat_hash_set<std::string> names;
  std::vector<const Json*> open = {&schema};
  while (!open.empty()) {
    const Json& at = *open.back();
    open.pop_back();
    if (at.is_array()) {
      for (const Json& element : at) open.push_back(&element);
    }
    if (!at.is_object()) continue;
    for (const auto& [key, member] : at.get_ref<const Json::object_t&>()) {
      if (key == "examples" && member.is_array()) continue;
      if (key != "$ref" || !member.is_string()) {
        open.push_back(&member);
        continue;
      }
      const auto& text = member.get_ref<const std::string&>();
      if (!absl::StartsWith(text, kReferencePrefix)) continue;
      const auto definition = definitions.find(text.substr(kReferencePrefix.size()));
      if (definition != definitions.end() && names.insert(definition->first).second)
        open.push_back(&definition->second);
    }
  }
  return names;
}

}  // namespace dspex
