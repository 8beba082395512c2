#include "engine/signature/enforce.h"

#include <absl/container/flat_hash_set.h>
#include <absl/strings/str_cat.h>
#include <re2/re2.h>

#include <algorithm>
#include <cmath>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <utility>

#include "engine/base/error.h"
#include "engine/base/reasons.h"
#include "engine/signature/coercion.h"
#include "engine/signature/date_time.h"
#include "engine/signature/decimal.h"
#include "engine/signature/duration.h"
#include "engine/signature/python_equals.h"
#include "engine/signature/schema_pattern.h"

namespace dspex {

namespace {

using Kind = Type::Kind;

std::optional<std::string> Text(const Json& value) {
  if (!value.is_string()) return std::nullopt;
  return value.get<std::string>();
}

std::optional<double> DurationSeconds(const Json& value) {
  const std::optional<Duration> duration =
      value.is_string() ? ReadDuration(value.get<std::string>()) : DurationFromNumber(value);
  if (!duration.has_value()) return std::nullopt;
  const double seconds = static_cast<double>(duration->days) * 86'400 + static_cast<double>(duration->seconds) +
                         static_cast<double>(duration->microseconds) / 1e6;
  return duration->negative ? -seconds : seconds;
}

// What orders values of the type.
std::optional<double> Magnitude(Kind kind, const Json& value) {
  if (kind == Kind::kTimedelta) return DurationSeconds(value);
  if (value.is_number()) return value.get<double>();
  if (kind != Kind::kDecimal || !value.is_string()) return std::nullopt;
  const std::optional<Decimal> decimal = ReadDecimal(value.get<std::string>());
  if (!decimal.has_value()) return std::nullopt;
  return DecimalToDouble(*decimal);
}

// Microseconds; nothing orders an aware and a naive one.
std::optional<std::pair<bool, double>> Moment(Kind kind, const Json& value) {
  const std::optional<std::string> text = Text(value);
  if (!text.has_value()) return std::nullopt;
  std::string key;
  if (kind == Kind::kDate || kind == Kind::kDatetime) {
    const std::optional<CivilTime> time = ReadDatetime(*text);
    const std::optional<CivilDate> date = time.has_value() ? time->date : ReadDate(*text);
    if (!date.has_value()) return std::nullopt;
    key = DatetimeEqualityKey(DatetimeText(time.value_or(CivilTime{*date, {}})));
  } else if (kind == Kind::kTime) {
    key = TimeEqualityKey(*text);
  } else {
    return std::nullopt;
  }
  const bool aware = !key.empty() && key.back() == 'Z';
  return std::pair(aware, std::strtod(key.c_str(), nullptr));
}

// -1, 0, 1; none where the two have no order.
std::optional<int> Compare(Kind kind, const Json& value, const Json& bound) {
  std::optional<double> left = Magnitude(kind, value);
  std::optional<double> right = Magnitude(kind, bound);
  if (!left.has_value() || !right.has_value()) {
    const auto a = Moment(kind, value);
    const auto b = Moment(kind, bound);
    if (!a.has_value() || !b.has_value() || a->first != b->first) return std::nullopt;
    left = a->second;
    right = b->second;
  }
  if (std::isnan(*left) || std::isnan(*right)) return 2;  // Fails every comparison.
  return *left < *right ? -1 : *left > *right ? 1 : 0;
}

std::optional<std::size_t> Length(const Json& value) {
  if (value.is_array() || value.is_object()) return value.size();
  if (!value.is_string()) return std::nullopt;
  const std::string& text = value.get_ref<const std::string&>();
  return static_cast<std::size_t>(
      std::count_if(text.begin(), text.end(), [](char c) { return (static_cast<unsigned char>(c) & 0xC0) != 0x80; }));
}

bool MeetsLength(const Json& value, const Json& bound, bool least, bool items_only) {
  if (!bound.is_number() || (items_only && value.is_string())) return true;
  const std::optional<std::size_t> length = Length(value);
  if (!length.has_value()) return true;
  return least ? static_cast<double>(*length) >= bound.get<double>()
               : static_cast<double>(*length) <= bound.get<double>();
}

bool IsMultiple(Kind kind, const Json& value, const Json& of) {
  const std::optional<double> number = Magnitude(kind, value);
  const std::optional<double> unit = Magnitude(kind, of);
  if (!number.has_value() || !unit.has_value() || *unit == 0) return true;
  if (value.is_number_integer() && of.is_number_integer())
    return value.get<std::int64_t>() % of.get<std::int64_t>() == 0;
  constexpr double kTolerance = 1e-9;
  return !(std::fabs(*number - std::round(*number / *unit) * *unit) > kTolerance);
}

bool Matches(const Json& value, const Json& pattern) {
  if (!value.is_string() || !pattern.is_string()) return true;
  const auto regex = CompileSchemaPattern(pattern.get_ref<const std::string&>());
  const std::string& text = value.get_ref<const std::string&>();
  return regex.ok() && re2::RE2::PartialMatch(text, **regex);
}

bool IsOneOf(const Json& value, const Json& values) {
  if (!values.is_array()) return true;
  return std::any_of(values.begin(), values.end(), [&value](const Json& each) { return PythonEquals(each, value); });
}

bool IsUnique(const Json& value, const Json& wanted) {
  if (!value.is_array() || wanted != true) return true;
  const Type any{.kind = Kind::kAny};
  absl::flat_hash_set<std::string> keys;
  return std::all_of(value.begin(), value.end(),
                     [&](const Json& element) { return keys.insert(EqualityKey(any, element)).second; });
}

bool Holds(const Type& type, const std::string& rule, const Json& value, const Json& bound) {
  if (rule == "gt" || rule == "ge" || rule == "lt" || rule == "le") {
    const std::optional<int> order = Compare(type.kind, value, bound);
    if (!order.has_value()) return true;
    if (rule == "gt") return *order == 1;
    if (rule == "ge") return *order == 1 || *order == 0;
    if (rule == "lt") return *order == -1;
    return *order == -1 || *order == 0;
  }
  if (rule == "multiple_of") return IsMultiple(type.kind, value, bound);
  if (rule == "min_length") return MeetsLength(value, bound, true, false);
  if (rule == "max_length") return MeetsLength(value, bound, false, false);
  if (rule == "min_items") return MeetsLength(value, bound, true, true);
  if (rule == "max_items") return MeetsLength(value, bound, false, true);
  if (rule == "allow_inf_nan") {
    return bound != false || !value.is_number_float() || std::isfinite(value.get<double>());
  }
  if (rule == "pattern") return Matches(value, bound);
  if (rule == "one_of") return IsOneOf(value, bound);
  if (rule == "unique") return IsUnique(value, bound);
  return true;
}

}  // namespace

absl::Status EnforceConstraints(const Field& field, const Json& value) {
  if (value.is_null()) return absl::OkStatus();
  for (const FieldConstraint& constraint : field.constraints) {
    if (constraint.value == nullptr || Holds(field.type.WithoutNone(), constraint.rule, value, *constraint.value))
      continue;
    return Error(absl::StatusCode::kInvalidArgument, reason::kInvalidValue,
                 absl::StrCat("The value of ", field.name, " breaks its constraint ", constraint.rule,
                              ". Give a value that meets it, or state another constraint."))
        .With("field", field.name)
        .With("rule", constraint.rule)
        .With("type", field.type.ToString())
        .Violation(field.name, absl::StrCat("breaks ", constraint.rule));
  }
  return absl::OkStatus();
}

}  // namespace dspex
