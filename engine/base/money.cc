#include "engine/base/money.h"

#include <absl/strings/ascii.h>
#include <absl/strings/numbers.h>
#include <absl/strings/str_cat.h>

#include <algorithm>

namespace dspex {

namespace {

constexpr int kDecimals = 12;
constexpr std::int64_t kDollar = 1'000'000'000'000;

// SimpleAtoi would take signs and white space.
std::optional<std::int64_t> ReadDigits(absl::string_view digits) {
  std::int64_t value = 0;
  const bool plain = std::all_of(digits.begin(), digits.end(),
                                 [](char c) { return absl::ascii_isdigit(static_cast<unsigned char>(c)); });
  if (!plain || !absl::SimpleAtoi(digits, &value)) return std::nullopt;
  return value;
}

}  // namespace

std::optional<Money> Money::Parse(absl::string_view text) {
  const std::size_t point = text.find('.');
  const std::optional<std::int64_t> dollars = ReadDigits(text.substr(0, point));
  if (!dollars.has_value()) return std::nullopt;
  std::int64_t rest = 0;
  if (point != absl::string_view::npos) {
    std::string decimals(text.substr(point + 1));
    if (decimals.empty() || decimals.size() > kDecimals) return std::nullopt;
    decimals.resize(kDecimals, '0');
    const std::optional<std::int64_t> read = ReadDigits(decimals);
    if (!read.has_value()) return std::nullopt;
    rest = *read;
  }
  std::int64_t picodollars = 0;
  if (__builtin_mul_overflow(*dollars, kDollar, &picodollars)) return std::nullopt;
  if (__builtin_add_overflow(picodollars, rest, &picodollars)) return std::nullopt;
  return Money(picodollars);
}

std::string Money::ToString() const {
  std::string text = absl::StrCat(picodollars_ / kDollar);
  std::string decimals = absl::StrCat(picodollars_ % kDollar);
  if (decimals == "0") return text;
  decimals.insert(0, static_cast<std::size_t>(kDecimals) - decimals.size(), '0');
  decimals.erase(decimals.find_last_not_of('0') + 1);
  return absl::StrCat(text, ".", decimals);
}

Money& Money::operator+=(Money other) {
  if (__builtin_add_overflow(picodollars_, other.picodollars_, &picodollars_)) *this = Max();
  return *this;
}

Money operator*(Money a, std::int64_t count) {
  std::int64_t picodollars = 0;
  if (__builtin_mul_overflow(a.picodollars_, count, &picodollars)) return Money::Max();
  return Money(picodollars);
}

}  // namespace dspex
