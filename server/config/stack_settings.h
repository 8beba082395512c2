#pragma once

#include "providers/provider_stack.h"
#include "server/config/config.h"

namespace dspex {

/// The configured providers as the provider stack takes them; `user_agent` is left as it is.
StackSettings ToStackSettings(const ResolvedConfig& config);

}  // namespace dspex
