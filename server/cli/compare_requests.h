#pragma once

#include <absl/strings/string_view.h>

#include <optional>
#include <string>

#include "engine/json/json.h"

namespace dspex::cli {

/// Compares a request that DSPy would send, {"messages": [...], "arguments": {...}} by OpenAI's names, with the body of
/// one that the server would send. Messages must be equal byte for byte, keys of objects in one order; of the rest the
/// two spellings of the limit on output are one, and what a server makes of `n` and `rollout_id` is not looked at. None
/// if they are equal, else where they part and what stands there on each side.
std::optional<std::string> FirstDifference(const Json& dspy, const Json& body);

}  // namespace dspex::cli
