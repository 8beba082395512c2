#pragma once

#include <absl/status/statusor.h>

#include <vector>

#include "engine/json/json.h"
#include "engine/lm/language_model.h"

namespace dspex {

/// The tools of an input field, one or a list of {"name", "desc", "args"}, as a provider is told of them.
/// INVALID_ARGUMENT / INVALID_VALUE if they are not of that form.
absl::StatusOr<std::vector<lm::ToolSpec>> ToolSpecs(const Json& tools);

/// A provider's tool calls as the value of a ToolCalls field. Arguments that are no JSON stand under "partial_json",
/// those that are no object under "value".
Json ToolCallsValue(const std::vector<lm::ToolCallPart>& calls);

}  // namespace dspex
