#pragma once

#include <absl/strings/string_view.h>

namespace dspex {

/// The version of this build, as semantic versioning has it.
inline constexpr absl::string_view kVersion = "0.1.0";

}  // namespace dspex
