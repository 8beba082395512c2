#include "engine/signature/coerce.h"

#include <absl/strings/str_cat.h>

#include <nlohmann/json.hpp>
#include <utility>

#include "engine/base/reasons.h"
#include "engine/signature/coerce_error.h"
#include "engine/signature/coercion.h"

namespace dspex {

Error RefusedValue(absl::string_view what, const Coercion::Refusal& refusal) {
  Error error(absl::StatusCode::kInvalidArgument, reason::kInvalidValue,
              absl::StrCat(what, refusal.path.empty() ? "" : absl::StrCat(" at ", refusal.path), " is no ",
                           refusal.type, ". Give a value of that type."));
  error.With("path", refusal.path).With("type", refusal.type);
  return error;
}

absl::StatusOr<Json> Coerce(const Type& type, Json value) {
  Coercion coercion;
  if (!coercion.Run(type, value)) return RefusedValue("The value", coercion.refusal());
  return value;
}

absl::StatusOr<Json> CoerceGiven(const Type& type, Json value) {
  Coercion coercion({.given = true});
  if (!coercion.Run(type, value)) return RefusedValue("The value", coercion.refusal());
  return value;
}

}  // namespace dspex
