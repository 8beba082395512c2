#pragma once

#include <absl/status/status.h>
#include <absl/strings/string_view.h>

#include "engine/lm/language_model.h"

namespace dspex {

/// "stop", "length", ...
absl::string_view FinishReasonName(lm::FinishReason reason);

/// The error of a completion that did not come to its own end: it is no answer, even if it can be read. DATA_LOSS /
/// COMPLETION_TRUNCATED, INVALID_ARGUMENT / CONTENT_FILTERED or MODEL_REFUSED; OK for others.
absl::Status CheckEnd(lm::FinishReason reason);

/// The error of a completion that does not parse, with how it ended and what that says to do.
absl::Status WithFinishReason(const absl::Status& error, lm::FinishReason reason);

}  // namespace dspex
