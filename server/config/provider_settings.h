#pragma once

#include <vector>

#include "providers/provider_stack.h"
#include "server/config/config.h"

namespace dspex {

/// The configured providers as the provider stack takes them.
std::vector<ProviderSettings> ToProviderSettings(const ResolvedConfig& config);

}  // namespace dspex
