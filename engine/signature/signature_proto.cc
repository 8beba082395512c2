#include <absl/strings/str_cat.h>
#include <absl/strings/strip.h>
#include <google/protobuf/struct.pb.h>

#include <algorithm>
#include <nlohmann/json.hpp>
#include <utility>

#include "dspex/v1/signature.pb.h"
#include "engine/base/error.h"
#include "engine/base/reasons.h"
#include "engine/json/utf8.h"
#include "engine/program/struct_json.h"
#include "engine/signature/field_constraint.h"
#include "engine/signature/signature.h"
#include "engine/signature/signature_limits.h"
#include "engine/signature/tokenizer.h"

namespace dspex {

namespace {

// JSON text that comes with a program: defaults, bounds.
constexpr JsonLimits kValueLimits = {.max_bytes = 64 * 1024, .max_depth = 32, .max_values = 10'000};
constexpr int kMaxConstraints = 50;
constexpr std::size_t kMaxPrefixBytes = 1024;
constexpr std::size_t kMaxSchemaNoteBytes = 256 * 1024;

absl::Status FieldError(absl::string_view path, absl::string_view name, absl::string_view problem,
                        absl::string_view advice) {
  return Error(absl::StatusCode::kInvalidArgument, reason::kInvalidSignature,
               absl::StrCat("The signature's ", path, " is wrong: ", problem, ". ", advice))
      .With("field", Shorten(name, 40))
      .Violation(path, problem);
}

// ParseType's error, told of the field.
absl::Status TypeError(absl::string_view path, absl::string_view name, const absl::Status& status) {
  const std::string shown = Shorten(name, 40);
  const absl::string_view problem = absl::StripPrefix(status.message(), kSignatureSubject);
  return Error(absl::StatusCode::kInvalidArgument, reason::kInvalidSignature,
               absl::StrCat("The type of field ", shown, problem))
      .With("field", shown)
      .With("position", ErrorMetadata(status, "position"))
      .With("token", ErrorMetadata(status, "token"))
      .Violation(path, absl::StrCat("the type", problem));
}

// A name of a field in its normal form; `others` are those before it.
absl::StatusOr<std::string> CheckName(absl::string_view path, absl::string_view given,
                                      std::initializer_list<const std::vector<Field>*> others) {
  std::string name = NormalizeIdentifier(given);
  if (name.empty() || IsPythonKeyword(name) || name.size() > kMaxSignatureBytes) {
    return FieldError(absl::StrCat(path, ".name"), given, "the name is no Python identifier",
                      "Use letters, digits and underscores, no digit first, no keyword.");
  }
  std::size_t count = 0;
  for (const std::vector<Field>* fields : others) {
    count += fields->size();
    if (std::any_of(fields->begin(), fields->end(), [&name](const Field& field) { return field.name == name; })) {
      return FieldError(absl::StrCat(path, ".name"), name, "two fields have this name",
                        "Give each field a name of its own.");
    }
  }
  if (count >= kMaxFields) {
    return FieldError(path, name, absl::StrCat("it has more than ", kMaxFields, " fields"), "Use fewer.");
  }
  return name;
}

absl::StatusOr<std::shared_ptr<const Json>> ReadValue(const google::protobuf::Value& value) {
  google::protobuf::Struct object;
  (*object.mutable_fields())["value"] = value;
  absl::StatusOr<Json> json = JsonFromStruct(object);
  if (!json.ok()) return json.status();
  return std::make_shared<const Json>(std::move(json->front()));
}

absl::StatusOr<std::shared_ptr<const Json>> ReadText(absl::string_view text) {
  absl::StatusOr<Json> json = ParseJson(text, kValueLimits);
  if (!json.ok()) return json.status();
  return std::make_shared<const Json>(*std::move(json));
}

absl::Status ReadConstraints(const v1::Field& proto, absl::string_view path, Field& field) {
  if (proto.constraints_size() > kMaxConstraints) {
    return FieldError(absl::StrCat(path, ".constraints"), field.name,
                      absl::StrCat("the field has more than ", kMaxConstraints, " constraints"), "Use fewer.");
  }
  for (const v1::Constraint& constraint : proto.constraints()) {
    const std::string at = absl::StrCat(path, ".constraints[", field.constraints.size(), "]");
    absl::StatusOr<std::shared_ptr<const Json>> value =
        constraint.has_value_json() ? ReadText(constraint.value_json()) : ReadValue(constraint.value());
    if (!value.ok()) {
      return FieldError(absl::StrCat(at, constraint.has_value_json() ? ".value_json" : ".value"), field.name,
                        absl::StrCat("the value cannot be read: ", value.status().message()), "Give valid JSON.");
    }
    const std::string problem = ConstraintProblem(constraint.rule(), **value);
    if (!problem.empty()) {
      return FieldError(
          at, field.name, problem,
          "Rules are gt, ge, lt, le, multiple_of, min_length, max_length, allow_inf_nan, pattern, one_of, "
          "min_items, max_items and unique.");
    }
    field.constraints.push_back({constraint.rule(), *std::move(value)});
  }
  return absl::OkStatus();
}

absl::Status ReadDefault(const v1::Field& proto, absl::string_view path, Field& field) {
  if (!proto.has_default_json() && !proto.has_default_value()) return absl::OkStatus();
  absl::StatusOr<std::shared_ptr<const Json>> value =
      proto.has_default_json() ? ReadText(proto.default_json()) : ReadValue(proto.default_value());
  if (!value.ok()) {
    return FieldError(absl::StrCat(path, proto.has_default_json() ? ".default_json" : ".default_value"), field.name,
                      absl::StrCat("the default cannot be read: ", value.status().message()), "Give valid JSON.");
  }
  field.default_value = *std::move(value);
  return absl::OkStatus();
}

absl::StatusOr<Field> ReadField(const v1::Field& proto, absl::string_view path, std::string name,
                                const std::shared_ptr<const TypeTable>& types) {
  Field field = MakeField(std::move(name), Type());
  if (!proto.type().empty()) {
    absl::StatusOr<Type> type = ParseType(proto.type(), types);
    if (!type.ok()) return TypeError(absl::StrCat(path, ".type"), field.name, type.status());
    field.type = *std::move(type);
  }
  field.untyped = proto.type().empty();
  if (!proto.description().empty()) field.description = proto.description();
  if (proto.prefix().size() > kMaxPrefixBytes) {
    return FieldError(absl::StrCat(path, ".prefix"), field.name,
                      absl::StrCat("the prefix is longer than ", kMaxPrefixBytes, " bytes"), "Shorten it.");
  }
  if (!proto.prefix().empty()) field.prefix = proto.prefix();
  if (proto.schema_note().size() > kMaxSchemaNoteBytes) {
    return FieldError(absl::StrCat(path, ".schema_note"), field.name,
                      absl::StrCat("the schema's text is longer than ", kMaxSchemaNoteBytes, " bytes"), "Shorten it.");
  }
  field.schema_note = proto.schema_note();
  absl::Status status = ReadConstraints(proto, path, field);
  if (status.ok()) status = ReadDefault(proto, path, field);
  if (!status.ok()) return status;
  return field;
}

// Reads one side of the structured form, named "inputs" or "outputs"; `other` is the side read before.
template <typename ProtoFields>
absl::Status ReadSide(absl::string_view side_name, const ProtoFields& protos,
                      const std::shared_ptr<const TypeTable>& types, const std::vector<Field>& other,
                      std::vector<Field>& side) {
  for (const v1::Field& proto : protos) {
    const std::string path = absl::StrCat(side_name, "[", side.size(), "]");
    absl::StatusOr<std::string> name = CheckName(path, proto.name(), {&other, &side});
    if (!name.ok()) return name.status();
    absl::StatusOr<Field> field = ReadField(proto, path, *std::move(name), types);
    if (!field.ok()) return field.status();
    side.push_back(*std::move(field));
  }
  return absl::OkStatus();
}

// The same for fields that are there already.
absl::Status CheckSide(absl::string_view side_name, std::vector<Field>& fields, const std::vector<Field>& other,
                       std::vector<Field>& side) {
  for (Field& field : fields) {
    absl::StatusOr<std::string> name =
        CheckName(absl::StrCat(side_name, "[", side.size(), "]"), field.name, {&other, &side});
    if (!name.ok()) return name.status();
    Field made = MakeField(*std::move(name), Type());
    field.name = std::move(made.name);
    if (field.description.empty()) field.description = std::move(made.description);
    if (field.prefix.empty()) field.prefix = std::move(made.prefix);
    side.push_back(std::move(field));
  }
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<Signature> Signature::FromProto(const v1::Signature& proto, absl::string_view instructions,
                                               const std::shared_ptr<const TypeTable>& types) {
  std::vector<Field> inputs;
  std::vector<Field> outputs;
  absl::Status status = ReadSide("inputs", proto.inputs(), types, outputs, inputs);
  if (status.ok()) status = ReadSide("outputs", proto.outputs(), types, inputs, outputs);
  if (!status.ok()) return status;
  if (outputs.empty()) {
    return FieldError("outputs", "", "it has no output field", "Give at least one.");
  }
  return Signature(std::move(inputs), std::move(outputs), instructions.empty() ? proto.instructions() : instructions);
}

absl::StatusOr<Signature> Signature::FromFields(std::vector<Field> inputs, std::vector<Field> outputs,
                                                absl::string_view instructions) {
  std::vector<Field> checked_inputs;
  std::vector<Field> checked_outputs;
  absl::Status status = CheckSide("inputs", inputs, checked_outputs, checked_inputs);
  if (status.ok()) status = CheckSide("outputs", outputs, checked_inputs, checked_outputs);
  if (!status.ok()) return status;
  return Signature(std::move(checked_inputs), std::move(checked_outputs), instructions);
}

}  // namespace dspex
