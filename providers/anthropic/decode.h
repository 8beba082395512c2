#pragma once

#include <absl/status/statusor.h>

#include <string>

#include "engine/lm/language_model.h"
#include "providers/wire/errors.h"

namespace dspex::anthropic {

/// Reads the body of a messages response. `body` is consumed (its tail is used as room for the parser). Text in the
/// result is valid UTF-8. INTERNAL / PROVIDER_MALFORMED_RESPONSE if it is not JSON or not what the dialect says: no
/// content, a text that is no string. What is missing beyond that is empty or zero; blocks of unknown types are
/// skipped.
absl::StatusOr<lm::Response> DecodeMessage(std::string body);

/// What the body of a failed request says. `body` is consumed.
wire::ErrorBody DecodeError(std::string body);

}  // namespace dspex::anthropic
