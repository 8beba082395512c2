#include "engine/program/struct_json.h"

#include <absl/container/inlined_vector.h>
#include <absl/strings/str_cat.h>
#include <google/protobuf/struct.pb.h>

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <nlohmann/json.hpp>
#include <string>
#include <utility>

#include "engine/base/error.h"
#include "engine/base/reasons.h"

namespace dspex {

namespace {

using google::protobuf::ListValue;
using google::protobuf::Struct;
using google::protobuf::Value;

absl::Status TooDeep() {
  return Error(absl::StatusCode::kInvalidArgument, reason::kInvalidRequest,
               absl::StrCat("A value is nested deeper than the ", kMaxStructDepth,
                            " levels of a Struct. Give and take values as JSON text instead."))
      .With("limit", kMaxStructDepth);
}

absl::Status ReadNumber(double number, Json& json) {
  if (!std::isfinite(number)) {
    return Error(absl::StatusCode::kInvalidArgument, reason::kInvalidRequest,
                 "A number of a Struct is infinite or not a number. Send finite numbers.");
  }
  // 2^63 itself does not fit.
  constexpr double kLimit = 9223372036854775808.0;
  if (number >= -kLimit && number < kLimit && number == std::trunc(number)) {
    json = static_cast<std::int64_t>(number);
  } else {
    json = number;
  }
  return absl::OkStatus();
}

absl::Status ReadObject(const Struct& object, int depth, Json& json);

// Recursion is bounded by `depth`.
absl::Status ReadValue(const Value& value, int depth, Json& json) {
  switch (value.kind_case()) {
    case Value::kStringValue:
      json = value.string_value();
      return absl::OkStatus();
    case Value::kNumberValue:
      return ReadNumber(value.number_value(), json);
    case Value::kBoolValue:
      json = value.bool_value();
      return absl::OkStatus();
    case Value::kStructValue:
      return ReadObject(value.struct_value(), depth + 1, json);
    case Value::kListValue: {
      if (depth >= kMaxStructDepth) return TooDeep();
      json = Json::array();
      auto& elements = json.get_ref<Json::array_t&>();
      elements.resize(static_cast<std::size_t>(value.list_value().values_size()));
      for (std::size_t i = 0; i < elements.size(); ++i) {
        absl::Status status = ReadValue(value.list_value().values(static_cast<int>(i)), depth + 1, elements[i]);
        if (!status.ok()) return status;
      }
      return absl::OkStatus();
    }
    case Value::kNullValue:
    case Value::KIND_NOT_SET:
      break;
  }
  json = nullptr;
  return absl::OkStatus();
}

absl::Status ReadObject(const Struct& object, int depth, Json& json) {
  if (depth > kMaxStructDepth) return TooDeep();
  absl::InlinedVector<const google::protobuf::Map<std::string, Value>::value_type*, 8> sorted;
  sorted.reserve(object.fields().size());
  for (const auto& member : object.fields()) sorted.push_back(&member);
  std::sort(sorted.begin(), sorted.end(), [](const auto* a, const auto* b) { return a->first < b->first; });
  Json::object_t members;
  members.reserve(sorted.size());
  for (const auto* member : sorted) {
    absl::Status status = ReadValue(member->second, depth, members.emplace_back(member->first, nullptr).second);
    if (!status.ok()) return status;
  }
  json = std::move(members);
  return absl::OkStatus();
}

absl::Status WriteObject(const Json& json, int depth, Struct& object);

absl::Status WriteValue(const Json& json, int depth, Value& value) {
  switch (json.type()) {
    case Json::value_t::string:
      value.set_string_value(json.get_ref<const std::string&>());
      return absl::OkStatus();
    case Json::value_t::boolean:
      value.set_bool_value(json.get<bool>());
      return absl::OkStatus();
    case Json::value_t::number_integer:
    case Json::value_t::number_unsigned:
    case Json::value_t::number_float:
      value.set_number_value(json.get<double>());
      return absl::OkStatus();
    case Json::value_t::object:
      return WriteObject(json, depth + 1, *value.mutable_struct_value());
    case Json::value_t::array: {
      if (depth >= kMaxStructDepth) return TooDeep();
      ListValue& list = *value.mutable_list_value();
      list.mutable_values()->Reserve(static_cast<int>(json.size()));
      for (const Json& element : json.get_ref<const Json::array_t&>()) {
        absl::Status status = WriteValue(element, depth + 1, *list.add_values());
        if (!status.ok()) return status;
      }
      return absl::OkStatus();
    }
    case Json::value_t::null:
    case Json::value_t::binary:
    case Json::value_t::discarded:
      break;
  }
  value.set_null_value(google::protobuf::NULL_VALUE);
  return absl::OkStatus();
}

absl::Status WriteObject(const Json& json, int depth, Struct& object) {
  if (depth > kMaxStructDepth) return TooDeep();
  for (const auto& [key, value] : json.get_ref<const Json::object_t&>()) {
    absl::Status status = WriteValue(value, depth, (*object.mutable_fields())[key]);
    if (!status.ok()) return status;
  }
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<Json> JsonFromStruct(const Struct& object) {
  Json json;
  absl::Status status = ReadObject(object, 1, json);
  if (!status.ok()) return status;
  return json;
}

absl::Status StructFromJson(const Json& json, Struct& object) {
  if (!json.is_object()) {
    return Error(absl::StatusCode::kInvalidArgument, reason::kInvalidRequest,
                 "A Struct holds an object only. Give and take values as JSON text instead.");
  }
  return WriteObject(json, 1, object);
}

absl::Status ValueFromJson(const Json& json, Value& value) { return WriteValue(json, 0, value); }

std::string JsonText(const Json& json) { return json.dump(-1, ' ', false, Json::error_handler_t::replace); }

}  // namespace dspex
