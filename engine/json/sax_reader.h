#pragma once

#include <absl/status/statusor.h>
#include <absl/strings/string_view.h>

#include "engine/json/json.h"

namespace dspex {

/// ParseJson, character by character: knows the position of every error.
absl::StatusOr<Json> ReadJsonBySax(absl::string_view text, const JsonLimits& limits);

}  // namespace dspex
