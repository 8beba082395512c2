#include <re2/re2.h>

#include <cmath>
#include <nlohmann/json.hpp>

#include "engine/json/utf8.h"
#include "engine/signature/coercion.h"
#include "engine/signature/decimal.h"
#include "engine/signature/named_type.h"

namespace dspex {

namespace {

using Kind = Type::Kind;

std::size_t Characters(absl::string_view text) {
  std::size_t count = 0;
  for (const char c : text) {
    if ((static_cast<unsigned char>(c) & 0xC0) != 0x80) ++count;
  }
  return count;
}

// As pydantic: a float need not be a multiple exactly.
bool IsMultiple(const Json& value, double number, double of) {
  if (value.is_number_integer() && of == std::floor(of) && of != 0 && std::fabs(of) < 9e15) {
    if (value.is_number_unsigned()) {
      return value.get<std::uint64_t>() % static_cast<std::uint64_t>(std::fabs(of)) == 0;
    }
    return value.get<std::int64_t>() % static_cast<std::int64_t>(of) == 0;
  }
  constexpr double kTolerance = 1e-9;
  const double difference = std::fabs(number - std::round(number / of) * of);
  return !(difference > kTolerance);
}

bool MeetsBounds(const Constraints& bounds, const Json& value, double number) {
  if (bounds.minimum.has_value() && !(number >= *bounds.minimum)) return false;
  if (bounds.maximum.has_value() && !(number <= *bounds.maximum)) return false;
  if (bounds.exclusive_minimum.has_value() && !(number > *bounds.exclusive_minimum)) return false;
  if (bounds.exclusive_maximum.has_value() && !(number < *bounds.exclusive_maximum)) return false;
  return !bounds.multiple_of.has_value() || IsMultiple(value, number, *bounds.multiple_of);
}

bool MeetsLength(const Constraints& bounds, std::size_t length) {
  return length >= bounds.min_length.value_or(0) && (!bounds.max_length.has_value() || length <= *bounds.max_length);
}

bool HasLength(const Constraints& bounds) { return bounds.min_length.has_value() || bounds.max_length.has_value(); }

bool MeetsText(const Type& type, const Constraints& bounds, absl::string_view text) {
  if (HasLength(bounds) && !MeetsLength(bounds, type.kind == Kind::kBytes ? text.size() : Characters(text)))
    return false;
  return bounds.regex == nullptr || re2::RE2::PartialMatch(re2::StringPiece(text.data(), text.size()), *bounds.regex);
}

}  // namespace

bool MeetsConstraints(const Type& type, const Json& value) {
  if (type.constraints == nullptr) return true;
  const Constraints& bounds = *type.constraints;
  if (value.is_number()) return MeetsBounds(bounds, value, value.get<double>());
  if (value.is_array() || value.is_object()) return !HasLength(bounds) || MeetsLength(bounds, value.size());
  if (!value.is_string()) return true;
  const std::string& text = value.get_ref<const std::string&>();
  if (type.kind == Kind::kDecimal) {
    const std::optional<Decimal> decimal = ReadDecimal(text);
    return decimal.has_value() && MeetsBounds(bounds, value, DecimalToDouble(*decimal));
  }
  if (type.kind == Kind::kStr || type.kind == Kind::kBytes) return MeetsText(type, bounds, text);
  return true;
}

}  // namespace dspex
