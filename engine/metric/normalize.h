#pragma once

#include <absl/strings/string_view.h>

#include <string>

namespace dspex {

/// The text as DSPy's metrics compare it: decomposed (NFD), lower case as Python's str.lower has it, ASCII punctuation
/// deleted, the words a, an and the replaced by a space, white space folded to single spaces and none at the ends. A
/// word is a run of Python's \w, so an accent, a character of its own here, ends one. Linear. Text that is not UTF-8 is
/// compared byte by byte as far as its ASCII goes.
///
/// By the Unicode tables of utf8proc: a Python of another Unicode version differs for characters that one of the two
/// does not know.
std::string NormalizeText(absl::string_view text);

}  // namespace dspex
