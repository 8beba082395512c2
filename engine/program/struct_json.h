#pragma once

#include <absl/status/statusor.h>

#include <string>

#include "engine/json/json.h"

namespace google::protobuf {
class Struct;
class Value;
}  // namespace google::protobuf

namespace dspex {

/// How deep objects and lists may be nested in a Struct, itself counted: what standard protobuf readers take.
inline constexpr int kMaxStructDepth = 32;

/// The Struct as a JSON object. Keys are sorted, as a Struct has no order; whole numbers that 64 bits hold are
/// integers, as a Struct knows doubles only; a value that was never set is null. INVALID_ARGUMENT / INVALID_REQUEST for
/// numbers that are not finite and for what is nested deeper than kMaxStructDepth.
absl::StatusOr<Json> JsonFromStruct(const google::protobuf::Struct& object);

/// Writes a JSON object into `object`. Integers become doubles. INVALID_ARGUMENT / INVALID_REQUEST if the value is no
/// object or is nested deeper than kMaxStructDepth: JSON text carries it then.
absl::Status StructFromJson(const Json& json, google::protobuf::Struct& object);

/// The same for any value.
absl::Status ValueFromJson(const Json& json, google::protobuf::Value& value);

/// The value as JSON text; bytes that are not UTF-8 become U+FFFD.
std::string JsonText(const Json& json);

}  // namespace dspex
