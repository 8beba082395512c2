#pragma once

#include <absl/strings/string_view.h>

#include <cstdint>
#include <optional>
#include <string>

namespace dspex {

/// A finite decimal number of any precision: digits times ten to the exponent.
struct Decimal {
  bool negative = false;
  std::string digits;  // "0", or without leading zeros
  std::int64_t exponent = 0;
};

/// As Python's decimal.Decimal(text): white space around it, Unicode digits and underscores are allowed. None for NaN
/// and infinities, which pydantic refuses, and beyond the exponents that Python's module has.
std::optional<Decimal> ReadDecimal(absl::string_view text);

/// As Python's str(): "1.50", "1E+3", "0E-8".
std::string DecimalText(const Decimal& decimal);

/// Equal for equal numbers, whatever their precision.
std::string DecimalEqualityKey(const Decimal& decimal);

/// The nearest float.
double DecimalToDouble(const Decimal& decimal);

}  // namespace dspex
