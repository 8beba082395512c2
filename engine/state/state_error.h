#pragma once

#include <absl/status/status.h>
#include <absl/strings/string_view.h>

#include <string>

namespace dspex {

/// INVALID_ARGUMENT / INVALID_STATE, metadata `path`: "The saved state's {path} {problem}. {advice}." An empty path is
/// the state itself.
absl::Status InvalidState(absl::string_view path, absl::string_view problem, absl::string_view advice);

/// "path.key", or "key" where the path is empty.
std::string StatePath(absl::string_view path, absl::string_view key);

/// A predictor's path for people.
std::string ShownPath(absl::string_view path);

}  // namespace dspex
