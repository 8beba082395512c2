#include "engine/module/native_tools.h"

#include <nlohmann/json.hpp>
#include <string>
#include <utility>

#include "engine/base/error.h"
#include "engine/base/reasons.h"
#include "engine/json/json.h"

namespace dspex {

namespace {

absl::StatusOr<lm::ToolSpec> ToolSpec(const Json& tool) {
  if (!tool.is_object() || !tool.contains("name") || !tool["name"].is_string()) {
    return Error(absl::StatusCode::kInvalidArgument, reason::kInvalidValue,
                 "A tool has no name. Give each tool as an object with name, desc and args.");
  }
  lm::ToolSpec spec{.name = tool["name"].get<std::string>(), .description = "", .parameters = ""};
  if (const auto desc = tool.find("desc"); desc != tool.end()) {
    spec.description = desc->is_string() ? desc->dump() : "null";
  }
  Json properties = Json::object();
  if (const auto args = tool.find("args"); args != tool.end() && args->is_object()) properties = *args;
  Json required = Json::array();
  for (const auto& [name, schema] : properties.items()) {
    if (!schema.contains("default")) required.push_back(name);
  }
  Json parameters = Json::object();
  parameters["type"] = "object";
  parameters["properties"] = std::move(properties);
  parameters["required"] = std::move(required);
  spec.parameters = parameters.dump();
  return spec;
}

// Always an object, as the type of the field says: what is none stands under the names that DSPy's client gives it.
Json Arguments(const std::string& text) {
  Json arguments = Json::object();
  if (text.empty()) return arguments;
  absl::StatusOr<Json> read = ParseJson(text);
  if (!read.ok()) {
    arguments["partial_json"] = text;
  } else if (read->is_object()) {
    arguments = *std::move(read);
  } else {
    arguments["value"] = *std::move(read);
  }
  return arguments;
}

}  // namespace

absl::StatusOr<std::vector<lm::ToolSpec>> ToolSpecs(const Json& tools) {
  std::vector<lm::ToolSpec> specs;
  if (!tools.is_array()) {
    absl::StatusOr<lm::ToolSpec> spec = ToolSpec(tools);
    if (!spec.ok()) return spec.status();
    specs.push_back(*std::move(spec));
    return specs;
  }
  for (const Json& tool : tools) {
    absl::StatusOr<lm::ToolSpec> spec = ToolSpec(tool);
    if (!spec.ok()) return spec.status();
    specs.push_back(*std::move(spec));
  }
  return specs;
}

Json ToolCallsValue(const std::vector<lm::ToolCallPart>& calls) {
  Json list = Json::array();
  for (const lm::ToolCallPart& call : calls) {
    Json value = Json::object();
    value["name"] = call.name;
    value["args"] = Arguments(call.arguments);
    list.push_back(std::move(value));
  }
  Json result = Json::object();
  result["tool_calls"] = std::move(list);
  return result;
}

}  // namespace dspex
