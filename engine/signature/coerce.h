#pragma once

#include <absl/status/statusor.h>
#include <absl/strings/string_view.h>

#include "engine/json/json.h"
#include "engine/signature/signature.h"

namespace dspex {

/// The value as one of `type`, leniently, as pydantic's lax mode does: "5" and 5.0 are an int 5, 5 is a float 5.0,
/// "yes" / "on" / 1 are true, but 3.5 is no int and 5 is no str. Of a Union, the alternative that changes the value
/// least is taken, the first of several. Keys of a dict become their type and are then written as strings again. An int
/// beyond 64 bits is an error. INVALID_ARGUMENT / INVALID_VALUE with metadata `path` (".items[3]" within the value,
/// empty at its top) and `type` (the one that refused); the value itself is not shown, it may be part of a prompt.
absl::StatusOr<Json> Coerce(const Type& type, Json value);

/// Reads an output field's text, as a completion gives it, into a value of the field's type: a str as it stands, a
/// Literal by membership (quotes around it allowed), a Union of str and None as a str, anything else as JSON or a
/// Python literal (a code fence around it goes), or failing that as a string, then Coerce. `text` must be valid UTF-8.
/// Errors as Coerce's.
absl::StatusOr<Json> ParseFieldText(const Field& field, absl::string_view text);

/// Checks and coerces a call's inputs, which must be an object (INVALID_REQUEST): every input field present
/// (MISSING_INPUT; a field whose type allows None may be absent and stays so), no other (UNKNOWN_FIELD, with the
/// nearest field in the message), every value of its type (INVALID_VALUE). Metadata `field`, a BadRequest violation
/// with the path within the inputs. The result has the signature's order.
absl::StatusOr<Json> CoerceInputs(const Signature& signature, Json inputs);

}  // namespace dspex
