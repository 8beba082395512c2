#pragma once

#include <absl/strings/string_view.h>

namespace dspex {

/// Whether `name` is what the pattern says; '*' stands for any text.
bool MatchesPattern(absl::string_view pattern, absl::string_view name);

/// Which of two patterns that match a name says more of it: the longer one; of equals, always the same one.
bool IsMoreSpecific(absl::string_view a, absl::string_view b);

}  // namespace dspex
