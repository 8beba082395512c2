#pragma once

#include <absl/status/statusor.h>

#include <cstddef>
#include <string>

namespace dspex {

/// The whole of a file that people wrote; "-" is standard input. INVALID_ARGUMENT if it cannot be read or is larger
/// than `max_bytes`; the message names the file and ends without a full stop.
absl::StatusOr<std::string> ReadFile(const std::string& path, std::size_t max_bytes = std::size_t{16} << 20);

}  // namespace dspex
