#pragma once

#include <absl/status/statusor.h>

#include "engine/json/json.h"
#include "engine/signature/signature.h"

namespace google::protobuf {
class Struct;
}

namespace dspex {

namespace v1 {
class Example;
}

/// A demo that was given as a Struct, whose keys have no order: the signature's fields first, then the others by name.
/// Errors as JsonFromStruct's.
absl::StatusOr<Json> DemoFromStruct(const google::protobuf::Struct& fields, const Signature& signature);

/// A demo as its author gave it. INVALID_ARGUMENT / INVALID_JSON or INVALID_REQUEST with paths within the example.
absl::StatusOr<Json> DemoFromExample(const v1::Example& example, const Signature& signature);

}  // namespace dspex
