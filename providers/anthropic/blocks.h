#pragma once

#include <string>

#include "engine/lm/message.h"

namespace dspex::anthropic {

/// Whether the API is sent the part: it refuses texts without a visible character, and takes no other's reasoning.
bool IsSent(const lm::Part& part);

/// Appends the part as a content block.
void AppendBlock(std::string& out, const lm::Part& part);

}  // namespace dspex::anthropic
