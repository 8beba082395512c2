#pragma once

#include <absl/strings/string_view.h>

#include <optional>
#include <string>

#include "server/job/journal.h"

namespace dspex {

/// An answer as bytes. What the provider said of its limits at that time is not kept.
std::string EncodeAnswer(const LmAnswer& answer);

/// nullopt if the bytes are not EncodeAnswer's.
std::optional<LmAnswer> DecodeAnswer(absl::string_view bytes);

}  // namespace dspex
