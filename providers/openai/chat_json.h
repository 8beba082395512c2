#pragma once

#include <absl/strings/string_view.h>

#include "engine/lm/language_model.h"
#include "providers/wire/errors.h"
#include "providers/wire/json.h"

/// What whole and streamed chat completions have in common. Included by .cc files only.
namespace dspex::openai {

/// Of `finish_reason`; an empty one is a stop, which some servers do not name.
lm::FinishReason FinishReasonOf(absl::string_view text);

/// Of `usage`; zero where there is none. Counts one call.
Usage UsageOf(wire::dom::object response);

/// Of `error`, an object or a text; empty if there is none.
wire::ErrorBody ErrorBodyOf(wire::dom::object response);

}  // namespace dspex::openai
