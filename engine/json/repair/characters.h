#pragma once

namespace dspex {

// Classes of characters as the methods of Python's str have them (of Unicode 14 or later). All are pure.

/// str.isalpha of one character.
bool IsPythonAlpha(char32_t code);

/// str.isdigit of one character: decimal digits, and those in circles and superscripts.
bool IsPythonDigit(char32_t code);

/// str.isalnum of one character.
bool IsPythonAlnum(char32_t code);

}  // namespace dspex
