#pragma once

#include "engine/module/reasoning_steps.h"

namespace dspex {

namespace v1 {
class Reasoning;
}

/// Writes the steps and what seems wrong with them into the API's message, which must be empty. Bytes that are no UTF-8
/// become U+FFFD.
void ReasoningToProto(const Reasoning& reasoning, v1::Reasoning& proto);

}  // namespace dspex
