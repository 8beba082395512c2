#pragma once

#include <absl/strings/string_view.h>

namespace dspex {

// White space at the edges of a text, which must be valid UTF-8. Linear in what is taken away.

/// As Python's str.strip().
absl::string_view StripPythonSpace(absl::string_view text);

/// Unicode's White_Space, which is Python's without four control characters: what pydantic trims by.
absl::string_view StripWhiteSpace(absl::string_view text);

}  // namespace dspex
