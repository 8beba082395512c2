#pragma once

#include <absl/status/statusor.h>

#include <optional>
#include <string>

#include "engine/json/json.h"

namespace dspex::v1 {
class RenderRequest;
class RenderResponse;
}  // namespace dspex::v1

namespace dspex::cli {

/// Compares a request that DSPy would send, {"messages": [...], "arguments": {...}} by OpenAI's names, with the body of
/// one that the server would send. Messages must be equal byte for byte, keys of objects in one order; of the rest the
/// two spellings of the limit on output are one, and what a server makes of `n` and `rollout_id` is not looked at. None
/// if they are equal, else where they part and what stands there on each side.
std::optional<std::string> FirstDifference(const Json& dspy, const Json& body);

/// The same of all requests that a call of a program makes: {"requests": [{"step": ..., "messages": ...}]} as DSPy
/// would send them, each by the step that makes it (none if the program has no steps). An error if a body is no JSON.
absl::StatusOr<std::optional<std::string>> FirstDifference(const Json& dspy, const v1::RenderResponse& rendered);

/// What was made up for language models to answer, {"completions": {step: text}}, so that all requests are rendered.
void AddCompletions(const Json& dspy, v1::RenderRequest& request);

}  // namespace dspex::cli
