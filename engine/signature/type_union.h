#pragma once

#include <absl/status/statusor.h>

#include <vector>

#include "engine/signature/tokenizer.h"
#include "engine/signature/type.h"

namespace dspex {

/// The union of these types, flattened and without duplicates, as typing.Union makes it; of one type, that type. At
/// least one must be given. More than 64 are an error, told of `token`.
absl::StatusOr<Type> MakeUnion(std::vector<Type> alternatives, const Token& token);

}  // namespace dspex
