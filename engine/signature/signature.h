#pragma once

#include <absl/status/statusor.h>
#include <absl/strings/string_view.h>

#include <string>
#include <vector>

#include "engine/signature/type.h"

namespace dspex {

namespace v1 {
class Signature;
}

/// One typed field.
struct Field {
  std::string name;
  Type type;
  /// What it means; "${name}" where nothing was said.
  std::string description;
};

/// What a module takes and gives: instructions and ordered, typed input and output fields. Immutable.
class Signature {
 public:
  /// Reads DSPy's string form: "question: str, numbers: list[int] -> answer: float, label: Literal['yes', 'no']".
  /// Fields without a type are str. Errors are INVALID_ARGUMENT / INVALID_SIGNATURE with metadata `position` (byte
  /// offset in `text`) and `token` (what stands there, shortened; "end of text" at the end). Default values are read
  /// over and dropped. Instructions lose their common indentation and blank edges as Python's inspect.cleandoc does it;
  /// where there are none, they stay empty: the adapter has a sentence for that.
  static absl::StatusOr<Signature> FromString(absl::string_view text, absl::string_view instructions = "");

  /// Builds from the structured form; `instructions`, if not empty, stand in for the proto's. Errors are as
  /// FromString's, with metadata `field` and a BadRequest violation ("inputs[2].type"); positions count from the start
  /// of that text.
  static absl::StatusOr<Signature> FromProto(const v1::Signature& proto, absl::string_view instructions = "");

  const std::string& instructions() const { return instructions_; }
  const std::vector<Field>& inputs() const { return inputs_; }
  const std::vector<Field>& outputs() const { return outputs_; }

  const Field* FindInput(absl::string_view name) const;
  const Field* FindOutput(absl::string_view name) const;

  /// The string form, types included; FromString of it gives an equal signature (instructions and descriptions apart).
  std::string ToString() const;

 private:
  Signature(std::vector<Field> inputs, std::vector<Field> outputs, absl::string_view instructions);

  std::string instructions_;
  std::vector<Field> inputs_;
  std::vector<Field> outputs_;
};

}  // namespace dspex
