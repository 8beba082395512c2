#include "engine/adapter/parse_value.h"

#include <nlohmann/json.hpp>
#include <string>
#include <utility>

#include "engine/adapter/adapter_base.h"
#include "engine/signature/coerce.h"

namespace dspex {

absl::StatusOr<Json> ReadOutputText(const Field& field, absl::string_view text) {
  absl::StatusOr<Json> value = ParseFieldText(field.type, text);
  if (!value.ok()) return Invalid(field, value.status());
  return value;
}

absl::StatusOr<Json> ReadOutputValue(const Field& field, Json value) {
  absl::StatusOr<Json> read = ParseFieldValue(field.type, std::move(value));
  if (!read.ok()) return Invalid(field, read.status());
  return read;
}

}  // namespace dspex
