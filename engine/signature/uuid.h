#pragma once

#include <absl/strings/string_view.h>

#include <optional>
#include <string>

namespace dspex {

/// As pydantic's lax mode reads a UUID: 32 hexadecimal digits, or five groups of them, these also in braces or behind
/// "urn:uuid:". The result has five groups in lower case.
std::optional<std::string> ReadUuid(absl::string_view text);

/// The UUID of 16 bytes.
std::optional<std::string> UuidFromBytes(absl::string_view bytes);

}  // namespace dspex
