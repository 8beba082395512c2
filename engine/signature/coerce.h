#pragma once

#include <absl/status/statusor.h>
#include <absl/strings/string_view.h>

#include "engine/json/json.h"
#include "engine/signature/signature.h"

namespace dspex {

/// The value as one of `type`, leniently, as pydantic's lax mode does: "5" and 5.0 are an int 5, 5 is a float 5.0,
/// "yes" / "on" / 1 are true, but 3.5 is no int and 5 is no str. INVALID_ARGUMENT / INVALID_VALUE with metadata `path`
/// (".items[3]" within the value, empty at its top), `type` and `value` (JSON, shortened).
absl::StatusOr<Json> Coerce(const Type& type, Json value);

/// Reads an output field's text, as a completion gives it, into a value of the field's type: a str as it stands, a
/// Literal by membership (quotes around it allowed), anything else as JSON or a Python literal, then Coerce. Errors as
/// Coerce's.
absl::StatusOr<Json> ParseFieldText(const Field& field, absl::string_view text);

/// Checks and coerces a call's inputs: every input field present (MISSING_INPUT; a field whose type allows None may be
/// absent), no other (UNKNOWN_FIELD, with the nearest field in the message), every value of its type (INVALID_VALUE).
/// Metadata `field`. The result has the signature's order.
absl::StatusOr<Json> CoerceInputs(const Signature& signature, Json inputs);

}  // namespace dspex
