#pragma once

#include <absl/status/statusor.h>
#include <absl/strings/string_view.h>

#include "engine/json/json.h"

namespace dspex {

/// Reads what a language model meant as JSON: the value that `json_repair.loads(text)` of Python's json_repair 0.64.6
/// has, with its default arguments. JSON is read as Python's json does, NaN and Infinity included; anything else is
/// repaired: prose and code fences around the value, several values (a list), comments, quotes of other kinds or none,
/// commas and brackets that are missing or too many, True / False / None. A JSON string "" is all that is left of a
/// text without a value.
///
/// The time is linear in the text's length and the recursion bounded by `max_depth`. Memory is a small multiple of the
/// text's size. Thread-safe: nothing is shared.
///
/// Errors are INVALID_ARGUMENT / INVALID_JSON with metadata `position` (the byte's offset): a text that is not valid
/// UTF-8 or passes the limits, one whose repair would not be linear (about 16 looks at each character are allowed, and
/// 16 million more), and what json_repair itself fails on: a key that is a code fence with another value than text
/// in it, and an integer of more than 4300 digits in the JSON within prose.
///
/// Known differences, all meant:
/// - Integers beyond 64 bits are doubles, as ParseJson has them, also where a value corrects the one before it because
///   it has the same types; beyond doubles they are infinite.
/// - Surrogates that escapes make are joined; one without its other half becomes U+FFFD.
/// - json_repair gives up on what it recurses into too deeply, also on a few hundred comments or objects side by side.
///   Only containers and code fences within each other count here.
/// - Letters and digits are those of a later Unicode.
absl::StatusOr<Json> ParseTolerantJson(absl::string_view text, const JsonLimits& limits = {});

}  // namespace dspex
