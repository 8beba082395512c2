#pragma once

#include <absl/strings/string_view.h>

namespace dspex {

/// Whether `name` is what the pattern says; '*' stands for any text.
bool MatchesPattern(absl::string_view pattern, absl::string_view name);

}  // namespace dspex
