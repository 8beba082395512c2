#pragma once

#include <absl/status/statusor.h>
#include <absl/strings/string_view.h>

#include <string>
#include <vector>

#include "engine/json/json.h"
#include "engine/signature/signature.h"

namespace dspex {

/// The value as one of `type`, as pydantic 2.14's lax mode makes it of what Python's json gives, then written as its
/// JSON mode does: "5" and 5.0 are an int 5, "yes" is true, 86400 is the date "1970-01-02", but 3.5 is no int and 5 no
/// str. Of a Union the alternative is taken that reads most fields of models, then the one that changes the value
/// least, then the first. Keys of a dict become their type and are then written as strings again. Sets keep the order
/// of the list, without duplicates. Values of declared types are held against their bounds.
///
/// An int beyond 64 bits is an error. INVALID_ARGUMENT / INVALID_VALUE with metadata `path` (".items[3]" within the
/// value, empty at its top) and `type` (the one that refused); the value itself is not shown, it may be part of a
/// prompt. Linear time but for nested Unions, which have a budget.
absl::StatusOr<Json> Coerce(const Type& type, Json value);

/// The same for a value that a user gives, an input or a demo, which may look like what was written before: fields of
/// models may also stand under their names instead of their aliases, an Image may be its URL, and a Tool, which no
/// value of JSON can be to DSPy, is an object with `name`, `desc` and `args`.
absl::StatusOr<Json> CoerceGiven(const Type& type, Json value);

/// Reads an output field's text, as a completion gives it, into a value of the field's type, as DSPy does: a str as it
/// stands, an enum by value or name, a Literal by membership (quotes around it allowed), a Union of str and None as its
/// text, anything else as tolerant JSON, else a Python literal, else the text, then Coerce; DSPy's own types at last
/// from the text itself. `text` must be valid UTF-8. Errors as Coerce's.
absl::StatusOr<Json> ParseFieldText(const Type& type, absl::string_view text);
absl::StatusOr<Json> ParseFieldText(const Field& field, absl::string_view text);

/// The same for a value that came out of a completion's JSON: a text is read as above; a str of anything else is what
/// Python's str() gives ("{'x': 1}"), a value that is equal to a Literal's is kept as it is.
absl::StatusOr<Json> ParseFieldValue(const Type& type, Json value);

/// Checks and coerces a call's inputs, which must be an object (INVALID_REQUEST): every input field present
/// (MISSING_INPUT; a field with a default takes it, one whose type allows None may be absent and stays so), no other
/// (UNKNOWN_FIELD, with the nearest field in the message), every value of its type (INVALID_VALUE). Metadata `field`, a
/// BadRequest violation with the path within the inputs. The result has the signature's order.
absl::StatusOr<Json> CoerceInputs(const Signature& signature, Json inputs);

/// Whether a call may not leave the input out: it has no default, and its type no None.
bool IsRequired(const Field& input);

/// Takes a call's inputs as DSPy does: as they are given. Only where models and DSPy's own types have objects they are
/// made values of theirs, so that they print as instances do (INVALID_VALUE, as CoerceInputs). Missing fields take
/// their default or stay missing, unknown ones are left out: of that, `warnings` gets a sentence each, which DSPy logs.
/// The inputs must be an object (INVALID_REQUEST). The result has the signature's order.
absl::StatusOr<Json> TakeInputs(const Signature& signature, Json inputs, std::vector<std::string>& warnings);

}  // namespace dspex
