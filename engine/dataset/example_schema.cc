#include "engine/dataset/example_schema.h"

#include <absl/strings/str_cat.h>

#include <algorithm>
#include <nlohmann/json.hpp>
#include <utility>

#include "engine/base/error.h"
#include "engine/base/nearest.h"
#include "engine/base/reasons.h"
#include "engine/json/utf8.h"
#include "engine/signature/coerce.h"

namespace dspex {

namespace {

constexpr std::size_t kMaxShown = 64;

bool MayBeMissing(const Field& field) { return field.default_value != nullptr || field.type.AllowsNone(); }

// The value as one of the field's type; null for an empty text that is none.
absl::StatusOr<Json> CoerceField(const Field& field, Json value) {
  if (!value.is_string()) return CoerceGiven(field.type, std::move(value));
  absl::StatusOr<Json> coerced = CoerceGiven(field.type, value);
  if (coerced.ok()) return coerced;
  const std::string& text = value.get_ref<const std::string&>();
  if (text.empty()) return Json();
  absl::StatusOr<Json> read = ParseJson(text);
  // What is no JSON is wrong as a text of that type.
  if (!read.ok() || read->is_string()) return coerced;
  return CoerceGiven(field.type, *std::move(read));
}

absl::Status InvalidValue(const Field& field, const absl::Status& refusal) {
  const std::string path = ErrorMetadata(refusal, "path");
  const std::string type = ErrorMetadata(refusal, "type");
  return Error(absl::StatusCode::kInvalidArgument, reason::kInvalidValue,
               absl::StrCat("The field ", field.name, path.empty() ? "" : absl::StrCat(" at ", path), " is no ", type,
                            ". Give a value of that type."))
      .With("field", field.name)
      .With("path", path)
      .With("type", type);
}

absl::Status Missing(absl::string_view name, const Field* field) {
  Error error(absl::StatusCode::kInvalidArgument, reason::kMissingInput,
              absl::StrCat("The input ", name, " is missing. Give ",
                           field == nullptr ? "it" : absl::StrCat("a value of type ", field->type.ToString()), "."));
  error.With("field", name);
  if (field != nullptr) error.With("type", field->type.ToString());
  return error;
}

}  // namespace

absl::StatusOr<ExampleSchema> ExampleSchema::OfAnyFields(Options options) {
  if (options.input_keys.empty()) {
    return Error(absl::StatusCode::kInvalidArgument, reason::kInvalidRequest,
                 "The dataset has no program or signature, and does not say which fields are inputs. Give a program, a "
                 "signature or input_keys.")
        .Violation("input_keys", "must be given without a program or signature");
  }
  ExampleSchema schema;
  schema.input_keys_ = std::move(options.input_keys);
  schema.others_ = true;
  return schema;
}

absl::StatusOr<ExampleSchema> ExampleSchema::OfFields(const Signature& fields, Options options) {
  ExampleSchema schema;
  schema.fields_ = fields.inputs();
  schema.fields_.insert(schema.fields_.end(), fields.outputs().begin(), fields.outputs().end());
  schema.others_ = options.allow_other_fields;
  schema.input_keys_ = std::move(options.input_keys);
  for (const std::string& key : schema.input_keys_) {
    if (!schema.others_ && schema.Find(key) == nullptr) return schema.Unknown(key);
  }
  if (schema.input_keys_.empty()) {
    for (const Field& field : fields.inputs()) schema.input_keys_.push_back(field.name);
  }
  return schema;
}

const Field* ExampleSchema::Find(absl::string_view name) const {
  const auto found =
      std::find_if(fields_.begin(), fields_.end(), [name](const Field& field) { return field.name == name; });
  return found == fields_.end() ? nullptr : &*found;
}

absl::Status ExampleSchema::Unknown(absl::string_view name) const {
  const std::string nearest = Nearest(name, FieldNames(fields_));
  const std::string shown = Shorten(name, kMaxShown);
  return Error(absl::StatusCode::kInvalidArgument, reason::kUnknownField,
               absl::StrCat("There is no field ", shown, ". ",
                            nearest.empty() ? "Leave it out, or allow other fields."
                                            : absl::StrCat("Did you mean ", nearest, "?")))
      .With("field", shown);
}

absl::Status ExampleSchema::CheckPresent(const Json& fields) const {
  for (const std::string& key : input_keys_) {
    if (fields.contains(key)) continue;
    const Field* field = Find(key);
    if (field == nullptr || !MayBeMissing(*field)) return Missing(key, field);
  }
  return absl::OkStatus();
}

absl::StatusOr<Json> ExampleSchema::Check(Json fields) const {
  if (!fields.is_object()) {
    return Error(absl::StatusCode::kInvalidArgument, reason::kInvalidValue,
                 "An example is no JSON object. Give an object with a member for each field.");
  }
  Json::object_t checked;
  checked.reserve(fields.size());
  for (auto& [name, given] : fields.get_ref<Json::object_t&>()) {
    const Field* field = Find(name);
    if (field == nullptr) {
      if (!others_) return Unknown(name);
      checked.emplace_back(name, std::move(given));
      continue;
    }
    const bool null = given.is_null();
    absl::StatusOr<Json> value = CoerceField(*field, std::move(given));
    if (!value.ok() && !null) return InvalidValue(*field, value.status());
    // A null, or an empty text, that is no value of the type.
    if (!value.ok() || (value->is_null() && !null && !field->type.AllowsNone())) continue;
    checked.emplace_back(name, *std::move(value));
  }
  Json result(std::move(checked));
  if (absl::Status present = CheckPresent(result); !present.ok()) return present;
  return result;
}

}  // namespace dspex
