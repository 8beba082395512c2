#pragma once

#include <absl/strings/string_view.h>

namespace dspex {

/// Whether DSPy takes the text for the address of an image: the scheme is http, https or gs and a host follows, as
/// Python's urlparse reads it. Nothing is fetched.
bool IsImageUrl(absl::string_view text);

}  // namespace dspex
