#pragma once

#include <absl/strings/string_view.h>

#include <string>

namespace dspex {

/// The 32 bytes of a text's SHA-256.
std::string Sha256(absl::string_view text);

}  // namespace dspex
