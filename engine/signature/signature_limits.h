#pragma once

#include <cstddef>

namespace dspex {

/// Fields of a signature, inputs and outputs together.
inline constexpr std::size_t kMaxFields = 200;

}  // namespace dspex
