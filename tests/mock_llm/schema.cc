#include "tests/mock_llm/schema.h"

#include <absl/strings/match.h>
#include <absl/strings/string_view.h>

#include <algorithm>
#include <nlohmann/json.hpp>

#include "tests/mock_llm/wording.h"

namespace dspex::mock_llm {
namespace {

using nlohmann::ordered_json;

// A schema that refers to itself would have no end.
constexpr int kMaxDepth = 12;

ordered_json Example(const ordered_json& schema, const ordered_json& root, int depth);

// What `#/$defs/X` and the like name; null if there is no such thing.
ordered_json Referred(const std::string& reference, const ordered_json& root) {
  if (!absl::StartsWith(reference, "#")) return nullptr;
  try {
    return root.at(ordered_json::json_pointer(reference.substr(1)));
  } catch (const ordered_json::exception&) {
    return nullptr;
  }
}

ordered_json ExampleObject(const ordered_json& schema, const ordered_json& root, int depth) {
  ordered_json object = ordered_json::object();
  const auto properties = schema.find("properties");
  if (properties == schema.end() || !properties->is_object()) return object;
  for (const auto& [name, property] : properties->items()) object[name] = Example(property, root, depth);
  return object;
}

ordered_json ExampleList(const ordered_json& schema, const ordered_json& root, int depth) {
  ordered_json list = ordered_json::array();
  if (const auto items = schema.find("prefixItems"); items != schema.end() && items->is_array()) {
    for (const ordered_json& item : *items) list.push_back(Example(item, root, depth));
  } else if (schema.contains("items") && depth < kMaxDepth) {
    list.push_back(Example(schema["items"], root, depth));
  }
  return list;
}

ordered_json ExampleNumber(const ordered_json& schema, ordered_json value) {
  for (const char* bound : {"minimum", "maximum"}) {
    const auto found = schema.find(bound);
    if (found == schema.end() || !found->is_number()) continue;
    value = absl::string_view(bound) == "minimum" ? std::max(value, *found) : std::min(value, *found);
  }
  return value;
}

bool IsNull(const ordered_json& schema) { return schema.is_object() && schema.value("type", ordered_json()) == "null"; }

// The first alternative that is not null, except in the depth, where null ends a schema that refers to itself.
const ordered_json& Choose(const ordered_json& alternatives, int depth) {
  const auto found = std::find_if(alternatives.begin(), alternatives.end(),
                                  [&](const auto& schema) { return IsNull(schema) == (depth >= kMaxDepth); });
  return found == alternatives.end() ? alternatives.front() : *found;
}

ordered_json ExampleOfType(const std::string& type, const ordered_json& schema, const ordered_json& root, int depth) {
  if (type == "object") return ExampleObject(schema, root, depth);
  if (type == "array") return ExampleList(schema, root, depth);
  if (type == "string") return "mock";
  if (type == "integer") return ExampleNumber(schema, 1);
  if (type == "number") return ExampleNumber(schema, 1.5);
  if (type == "boolean") return true;
  return nullptr;
}

ordered_json Example(const ordered_json& schema, const ordered_json& root, int depth) {
  if (!schema.is_object()) return "mock";
  if (depth++ > 2 * kMaxDepth) return nullptr;
  if (const auto found = schema.find("$ref"); found != schema.end() && found->is_string()) {
    return Example(Referred(found->get<std::string>(), root), root, depth);
  }
  if (schema.contains("const")) return schema["const"];
  for (const char* key : {"enum", "anyOf", "oneOf", "allOf"}) {
    const auto found = schema.find(key);
    if (found == schema.end() || !found->is_array() || found->empty()) continue;
    return key == absl::string_view("enum") ? found->front() : Example(Choose(*found, depth), root, depth);
  }
  ordered_json type = schema.value("type", ordered_json());
  if (type.is_array() && !type.empty()) type = type.front() == "null" ? type.back() : type.front();
  if (!type.is_string()) type = schema.contains("properties") ? "object" : "string";
  return ExampleOfType(type.get<std::string>(), schema, root, depth);
}

}  // namespace

std::string AnswerSchema(absl::string_view schema) {
  const ordered_json parsed = ordered_json::parse(schema.begin(), schema.end(), nullptr, /*allow_exceptions=*/false);
  return Dump(Example(parsed, parsed, 0));
}

}  // namespace dspex::mock_llm
