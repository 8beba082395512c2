#include <absl/strings/str_cat.h>

#include <nlohmann/json.hpp>
#include <utility>

#include "engine/json/python_format.h"
#include "engine/json/utf8.h"
#include "engine/signature/coercion.h"
#include "engine/signature/date_time.h"
#include "engine/signature/decimal.h"
#include "engine/signature/duration.h"
#include "engine/signature/lax.h"
#include "engine/signature/uuid.h"

namespace dspex {

namespace {

using Kind = Type::Kind;

// Where pydantic takes bytes for the text that they are.
bool BytesToText(Json& value) {
  std::optional<std::string> bytes = ReadBinary(value, PythonSubtype::kBytes);
  if (!bytes.has_value() || ValidUtf8Prefix(*bytes) != bytes->size()) return false;
  value = *std::move(bytes);
  return true;
}

template <typename Read, typename FromNumber, typename Format>
std::optional<Json> Convert(const Json& value, Read read, FromNumber from_number, Format format) {
  const auto result =
      value.is_string() ? read(absl::string_view(value.get_ref<const std::string&>())) : from_number(value);
  if (!result.has_value()) return std::nullopt;
  return Json(format(*result));
}

std::optional<Json> Temporal(Kind kind, const Json& value) {
  switch (kind) {
    case Kind::kDate:
      return Convert(value, ReadDate, DateFromNumber, DateText);
    case Kind::kTime:
      return Convert(value, ReadTime, TimeFromNumber, TimeText);
    default:
      return Convert(value, ReadDatetime, DatetimeFromNumber, DatetimeText);
  }
}

}  // namespace

template <typename Converted>
bool Coercion::Replace(const Type& type, Json& value, Converted converted) {
  if (!converted.has_value()) return Refuse(type);
  value = *std::move(converted);
  if (!MeetsConstraints(type, value)) return Refuse(type);
  return AcceptAs(type, Exactness::kLax);
}

bool Coercion::RunScalar(const Type& type, Json& value) {
  const bool was_bytes = value.is_binary() && type.kind != Kind::kAny && type.kind != Kind::kBytes &&
                         type.kind != Kind::kUuid && type.kind != Kind::kDecimal && BytesToText(value);
  if (was_bytes) Floor(Exactness::kLax);
  switch (type.kind) {
    case Kind::kInt:
      if (!value.is_number_integer()) return Replace(type, value, LaxInt(value));
      break;
    case Kind::kFloat:
      if (value.is_number_integer()) {
        value = value.get<double>();
        Floor(Exactness::kStrict);
      } else if (!value.is_number_float()) {
        return Replace(type, value, LaxFloat(value));
      }
      break;
    case Kind::kBool:
      if (!value.is_boolean()) return Replace(type, value, LaxBool(value));
      break;
    case Kind::kNone:
      if (!value.is_null()) return Refuse(type);
      break;
    case Kind::kAny:
      return RunAny(value) ? AcceptAs(type, Exactness::kStrict) : Refuse(type);
    case Kind::kBytes:
      return RunBytes(type, value);
    case Kind::kDecimal:
      return RunDecimal(type, value);
    case Kind::kUuid:
      return RunUuid(type, value);
    case Kind::kTimedelta:
      return RunTimedelta(type, value);
    default:
      return Replace(type, value, Temporal(type.kind, value));
  }
  if (!MeetsConstraints(type, value)) return Refuse(type);
  return AcceptAs(type, Exactness::kExact);
}

bool Coercion::RunStr(const Type& type, Json& value) {
  if (value.is_binary() && BytesToText(value)) Floor(Exactness::kLax);
  if (!value.is_string() || !MeetsConstraints(type, value)) return Refuse(type);
  return AcceptAs(type, Exactness::kExact);
}

// As JSON, bytes are the text that they are in UTF-8.
bool Coercion::RunBytes(const Type& type, Json& value) {
  if (value.is_binary()) {
    if (!BytesToText(value)) return Refuse(type);
  } else if (value.is_string()) {
    Floor(Exactness::kLax);
  } else {
    return Refuse(type);
  }
  if (!MeetsConstraints(type, value)) return Refuse(type);
  return AcceptAs(type, Exactness::kExact);
}

bool Coercion::RunTimedelta(const Type& type, Json& value) {
  std::optional<Duration> duration;
  if (value.is_string()) {
    duration = ReadDuration(value.get_ref<const std::string&>());
  } else {
    // Unlike dates and times it takes a bool for an int.
    duration = DurationFromNumber(value.is_boolean() ? Json(value.get<bool>() ? 1 : 0) : value);
  }
  if (!duration.has_value()) return Refuse(type);
  return IsTimedelta(*duration) ? Replace(type, value, std::optional<Json>(DurationText(*duration))) : Abort(type);
}

bool Coercion::RunDecimal(const Type& type, Json& value) {
  std::optional<Decimal> decimal;
  if (value.is_string()) {
    decimal = ReadDecimal(value.get_ref<const std::string&>());
  } else if (value.is_number()) {
    decimal = ReadDecimal(PythonStr(value));
  }
  if (!decimal.has_value()) return Refuse(type);
  value = DecimalText(*decimal);
  if (!MeetsConstraints(type, value)) return Refuse(type);
  return AcceptAs(type, Exactness::kLax);
}

bool Coercion::RunUuid(const Type& type, Json& value) {
  if (const std::optional<std::string> bytes = ReadBinary(value, PythonSubtype::kBytes)) {
    const std::optional<std::string> uuid = ReadUuid(*bytes);
    return Replace(type, value, uuid.has_value() ? uuid : UuidFromBytes(*bytes));
  }
  if (!value.is_string()) return Refuse(type);
  return Replace(type, value, ReadUuid(value.get_ref<const std::string&>()));
}

bool Coercion::RunAny(Json& value) {
  // Only a literal of Python has more than JSON.
  if (value.is_binary()) return MakeJson(value);
  if (options_.root == PythonRoot::kValue || depth_ > 0) return true;
  for (Json& element : value.get_ref<Json::array_t&>()) {
    if (!MakeJson(element)) return false;
  }
  return true;
}

}  // namespace dspex
