#pragma once

#include <absl/status/statusor.h>

#include <string>

#include "engine/lm/language_model.h"

namespace dspex::openai {

/// Reads the body of a responses response. `body` is consumed (its tail is used as room for the parser). Text in the
/// result is valid UTF-8. UNAVAILABLE / PROVIDER_OVERLOADED if the provider says within it that it failed; INTERNAL /
/// PROVIDER_MALFORMED_RESPONSE if it is not JSON or not what the dialect says: no output, a text that is no string.
/// What is missing beyond that is empty or zero; items of unknown types are skipped.
absl::StatusOr<lm::Response> DecodeResponse(std::string body);

}  // namespace dspex::openai
