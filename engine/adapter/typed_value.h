#pragma once

#include <absl/strings/string_view.h>

#include <cstddef>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "engine/json/json.h"
#include "engine/signature/type.h"

/// How a value relates to its type, where printing depends on it.
namespace dspex {

/// Of a Union, the first alternative that the value fits down to its leaves, else the first by its shape; any other
/// type as it is.
const Type* AlternativeOf(const Type& type, const Json& value);

/// The type of a list's, set's or tuple's element; Any where the type does not say.
const Type& ElementType(const Type& type, std::size_t index);
/// The type of a dict's or model's member; Any where the type does not say.
const Type& MemberType(const Type& type, absl::string_view name);

/// Whether the value describes a tool: an object with a name.
bool IsTool(const Json& value);

/// One call of a tool.
struct ToolCall {
  std::string id;
  std::string name;
  Json arguments;
};

/// Whether the value is what a model's tool calls are kept as: {"tool_calls": [...]}.
bool IsToolCalls(const Json& value);
/// The calls of such a value, in each form that DSPy reads.
std::vector<ToolCall> ToolCallsOf(const Json& value);
/// The value without what prompts do not print: ids, and results that are null.
Json PlainToolCalls(const Json& value);

/// Appends the value as pydantic's model_dump_json(indent=2) prints it, `depth` levels inside.
void AppendPydanticJson(std::string& out, const Json& value, int depth);

/// Appends the value as json.dumps(value, indent=2, ensure_ascii=False) prints it, `depth` levels inside.
void AppendIndentedJson(std::string& out, const Json& value, int depth);

}  // namespace dspex
