#pragma once

#include <absl/status/statusor.h>
#include <absl/strings/string_view.h>

#include "engine/json/json.h"
#include "engine/signature/signature.h"

namespace dspex {

/// An output's value from what the completion has for it: ParseFieldText and ParseFieldValue, whose errors become
/// COMPLETION_UNPARSABLE.
absl::StatusOr<Json> ReadOutputText(const Field& field, absl::string_view text);
absl::StatusOr<Json> ReadOutputValue(const Field& field, Json value);

}  // namespace dspex
