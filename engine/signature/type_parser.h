#pragma once

#include <absl/status/statusor.h>

#include "engine/signature/tokenizer.h"
#include "engine/signature/type.h"

namespace dspex {

/// Reads the type that begins at the cursor and stops behind it. Errors as ParseType's.
absl::StatusOr<Type> ReadType(TokenCursor& cursor);

}  // namespace dspex
