#include <absl/strings/str_cat.h>

#include <cmath>
#include <nlohmann/json.hpp>
#include <utility>

#include "engine/json/python_format.h"
#include "engine/json/utf8.h"
#include "engine/signature/coercion.h"
#include "engine/signature/date_time.h"
#include "engine/signature/decimal.h"
#include "engine/signature/python_equals.h"

namespace dspex {

namespace {

using Kind = Type::Kind;

bool IsNumber(const Json& value) { return value.is_number() || value.is_boolean(); }

// Whole numbers have one text, whether they are bool, int or float.
std::string NumberKey(const Json& value) {
  if (value.is_boolean()) return value.get<bool>() ? "1" : "0";
  if (value.is_number_float()) {
    constexpr double kLimit = 9223372036854775808.0;
    const double number = value.get<double>();
    if (number == std::floor(number) && std::fabs(number) < kLimit) {
      return absl::StrCat(static_cast<std::int64_t>(number));
    }
  }
  return PythonStr(value);
}

bool EqualArrays(const Json& a, const Json& b) {
  if (a.size() != b.size()) return false;
  for (std::size_t i = 0; i < a.size(); ++i) {
    if (!PythonEquals(a[i], b[i])) return false;
  }
  return true;
}

// Whatever the order of the keys.
bool EqualObjects(const Json& a, const Json& b) {
  if (a.size() != b.size()) return false;
  for (const auto& [key, value] : a.get_ref<const Json::object_t&>()) {
    const auto found = b.find(key);
    if (found == b.end() || !PythonEquals(value, *found)) return false;
  }
  return true;
}

}  // namespace

bool MakeJson(Json& value) {
  if (!value.is_binary()) return true;
  std::optional<std::string> text = ReadBinary(value, PythonSubtype::kBytes);
  if (!text.has_value()) text = ReadBinary(value, PythonSubtype::kComplex);
  if (!text.has_value() || ValidUtf8Prefix(*text) != text->size()) return false;
  value = *std::move(text);
  return true;
}

bool PythonEquals(const Json& a, const Json& b) {
  if (IsNumber(a) && IsNumber(b)) {
    if (a.is_number_float() && std::isnan(a.get<double>())) return false;
    return NumberKey(a) == NumberKey(b);
  }
  if (a.type() != b.type()) return false;
  if (a.is_array()) return EqualArrays(a, b);
  if (a.is_object()) return EqualObjects(a, b);
  return a == b;
}

std::string EqualityKey(const Type& type, const Json& value) {
  if (IsNumber(value)) {
    const std::string key = NumberKey(value);
    // A Decimal may be equal to a number.
    const std::optional<Decimal> decimal = ReadDecimal(key);
    return absl::StrCat("n", decimal.has_value() ? DecimalEqualityKey(*decimal) : key);
  }
  if (!value.is_string()) return value.dump(-1, ' ', false, Json::error_handler_t::replace);
  const std::string& text = value.get_ref<const std::string&>();
  switch (type.kind) {
    case Kind::kDecimal: {
      const std::optional<Decimal> decimal = ReadDecimal(text);
      return absl::StrCat("n", decimal.has_value() ? DecimalEqualityKey(*decimal) : text);
    }
    case Kind::kTime:
      return absl::StrCat("t", TimeEqualityKey(text));
    case Kind::kDatetime:
      return absl::StrCat("d", DatetimeEqualityKey(text));
    case Kind::kDate:
    case Kind::kTimedelta:
    case Kind::kUuid:
    case Kind::kBytes:
    case Kind::kEnum:
      return absl::StrCat(static_cast<int>(type.kind), ":", text);
    default:
      return absl::StrCat("s", text);
  }
}

std::string KeyText(const Json& key) {
  if (key.is_boolean()) return key.get<bool>() ? "true" : "false";
  return PythonStr(key);
}

}  // namespace dspex
