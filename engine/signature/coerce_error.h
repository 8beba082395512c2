#pragma once

#include <absl/strings/string_view.h>

#include "engine/base/error.h"
#include "engine/signature/coercion.h"

namespace dspex {

/// INVALID_ARGUMENT / INVALID_VALUE with metadata `path` and `type`. `what` was refused, "The value".
Error RefusedValue(absl::string_view what, const Coercion::Refusal& refusal);

}  // namespace dspex
