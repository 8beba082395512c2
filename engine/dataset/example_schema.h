#pragma once

#include <absl/status/statusor.h>
#include <absl/strings/string_view.h>

#include <string>
#include <vector>

#include "engine/json/json.h"
#include "engine/signature/signature.h"

namespace dspex {

namespace v1 {
class Program;
}

/// What the examples of a dataset must be. Immutable.
class ExampleSchema {
 public:
  struct Options {
    /// The fields that are inputs; empty: those of the signature.
    std::vector<std::string> input_keys = {};
    /// Whether examples may have fields that the signature does not.
    bool allow_other_fields = false;
  };

  /// Objects that have the input keys, of which there is at least one, and anything else. INVALID_ARGUMENT /
  /// INVALID_REQUEST without, with a violation of `input_keys`.
  static absl::StatusOr<ExampleSchema> OfAnyFields(Options options);
  /// Objects whose fields are those of the signature. INVALID_ARGUMENT / UNKNOWN_FIELD for an input key that it does
  /// not have, unless others are allowed.
  static absl::StatusOr<ExampleSchema> OfFields(const Signature& fields, Options options);

  const std::vector<std::string>& input_keys() const { return input_keys_; }

  /// The fields of an example: checked, coerced to the fields' types as CoerceGiven does, in the order in which they
  /// were given. A text that is none of its field's type is read as JSON, an empty one is no value. Values that are
  /// null are left out, but for inputs whose type has it. INVALID_ARGUMENT with metadata `field`: MISSING_INPUT,
  /// UNKNOWN_FIELD (with the nearest field in the message), INVALID_VALUE; INVALID_VALUE without, for what is no
  /// object.
  absl::StatusOr<Json> Check(Json fields) const;

 private:
  ExampleSchema() = default;

  const Field* Find(absl::string_view name) const;
  absl::Status Unknown(absl::string_view name) const;
  absl::Status CheckPresent(const Json& fields) const;

  std::vector<std::string> input_keys_;
  /// Without types if there is no signature.
  std::vector<Field> fields_;
  bool others_ = false;
};

/// The fields of a program, inputs and outputs, as one signature: those that its examples can have. A ChainOfThought's
/// reasoning is an output. Of a program of several modules, inputs are what steps take from the program, outputs are
/// its own. Errors as Program::Create's, with paths within the program; UNSUPPORTED for modules whose fields are not
/// known.
absl::StatusOr<Signature> FieldsOf(const v1::Program& program);

}  // namespace dspex
