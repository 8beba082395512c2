#pragma once

#include <absl/status/status.h>
#include <absl/strings/string_view.h>

#include <cstddef>
#include <cstdint>
#include <string>

namespace dspex {

// The literals of Python's grammar that signatures and completions share: strings and numbers.

/// Whether a string literal begins at `position`: a quote, or one after the prefix r or u. (No bytes, no f-strings.)
bool StartsPythonString(absl::string_view text, std::size_t position);

/// Reads the string literal at `position` with Python's quotes (single, double, triple) and escapes, appends its
/// content to `value` and moves `position` behind it. On an error, `position` is that of the offence and the status's
/// message says what is wrong; \N{...} and surrogates are errors too.
absl::Status ReadPythonString(absl::string_view text, std::size_t& position, std::string& value);

/// Whether a bytes literal begins at `position`: a quote after the prefix b, br or rb.
bool StartsPythonBytes(absl::string_view text, std::size_t position);

/// Reads the bytes literal at `position` as ReadPythonString reads strings; only ASCII may stand in it.
absl::Status ReadPythonBytes(absl::string_view text, std::size_t& position, std::string& value);

/// A number without a sign.
struct PythonNumber {
  bool is_integer = false;
  /// The value of an integer; meaningless unless `fits`.
  std::uint64_t integer = 0;
  /// Whether an integer is below 2^64.
  bool fits = false;
  /// The value as a float, of integers too.
  double real = 0;
};

/// Whether a number begins at `position`: a digit, or a point and a digit.
bool StartsPythonNumber(absl::string_view text, std::size_t position);

/// Reads the number at `position`, "12", "1_000", "0x1F", "1.5e3", and moves `position` behind it, also on an error.
/// Complex numbers are errors.
absl::Status ReadPythonNumber(absl::string_view text, std::size_t& position, PythonNumber& number);

}  // namespace dspex
