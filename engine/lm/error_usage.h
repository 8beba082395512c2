#pragma once

#include <absl/status/status.h>

#include <optional>

#include "engine/base/context.h"

namespace dspex::lm {

/// `error` with what the provider says that the failed call consumed, as the metadata input_tokens, output_tokens and
/// so on. Without an ErrorInfo it stays as it is.
absl::Status WithUsage(absl::Status error, const Usage& usage);

/// What WithUsage wrote; nothing if it wrote nothing.
std::optional<Usage> ErrorUsage(const absl::Status& error);

}  // namespace dspex::lm
