#pragma once

#include <absl/strings/string_view.h>

#include <compare>
#include <cstdint>
#include <optional>
#include <string>

namespace dspex {

/// An amount of US dollars that is not negative, exact to a picodollar (10^-12): no price of a token loses a digit, and
/// sums do not depend on their order. At most about nine million dollars; what would be more stays at that.
class Money {
 public:
  constexpr Money() = default;

  static constexpr Money Max() { return Money(INT64_MAX); }
  /// `picodollars` is not negative.
  static constexpr Money Picodollars(std::int64_t picodollars) { return Money(picodollars); }

  /// Reads dollars as a plain decimal number, "12" or "0.15", with at most 12 digits behind the point; nothing if the
  /// text is none, or is more than Max().
  static std::optional<Money> Parse(absl::string_view text);

  /// As Parse reads it, without zeros at the end: "0.00015".
  std::string ToString() const;

  std::int64_t picodollars() const { return picodollars_; }

  Money& operator+=(Money other);
  friend Money operator+(Money a, Money b) { return a += b; }
  /// `count` is not negative.
  friend Money operator*(Money a, std::int64_t count);

  auto operator<=>(const Money&) const = default;

 private:
  explicit constexpr Money(std::int64_t picodollars) : picodollars_(picodollars) {}

  std::int64_t picodollars_ = 0;
};

}  // namespace dspex
