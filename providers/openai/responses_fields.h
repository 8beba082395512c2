#pragma once

#include <absl/status/status.h>
#include <absl/strings/string_view.h>

#include <string>

#include "engine/lm/language_model.h"
#include "providers/wire/json.h"

/// What a whole response of the responses API and a stream of one have in common. Included by .cc files only.
namespace dspex::openai {

absl::Status MalformedResponse(absl::string_view problem);

/// Of a response object: whether it ended, and why, as far as it says. The output is the caller's to look at: calls of
/// tools and refusals are reasons, too.
lm::FinishReason ResponseFinishReason(simdjson::dom::object response, const lm::Completion& completion, bool refused);

Usage ResponseUsage(simdjson::dom::object response);

/// The item as JSON text; empty if it holds halves of surrogate pairs.
std::string TextOfItem(simdjson::dom::object item);

}  // namespace dspex::openai
