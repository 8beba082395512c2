#pragma once

#include <absl/status/status.h>

#include "engine/json/json.h"
#include "engine/signature/signature.h"

namespace dspex {

/// Holds a field's value, which is one of its type, against the constraints that the signature states (which DSPy only
/// prints): to be called where the program says that they are enforced. INVALID_ARGUMENT / INVALID_VALUE names the
/// first that does not hold: metadata `field`, `rule` and `type`, a BadRequest violation of the field. A null meets
/// all; a rule that has no meaning for the value (a length for a number) holds.
///
/// gt, ge, lt, le compare numbers, Decimals, dates and times of the same kind; min_length and max_length count
/// characters, elements or keys; min_items and max_items elements or keys; pattern is searched for; one_of and unique
/// compare as Python does.
absl::Status EnforceConstraints(const Field& field, const Json& value);

}  // namespace dspex
