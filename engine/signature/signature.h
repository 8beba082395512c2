#pragma once

#include <absl/status/statusor.h>
#include <absl/strings/string_view.h>

#include <cstddef>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "engine/json/json.h"
#include "engine/signature/type.h"

namespace dspex {

namespace v1 {
class Signature;
}

/// A bound on a field's value as the signature's author states it: printed in prompts, enforced where the program says
/// so.
struct FieldConstraint {
  /// gt, ge, lt, le, multiple_of, min_length, max_length, allow_inf_nan (pydantic's, which DSPy prints), pattern,
  /// one_of, min_items, max_items, unique.
  std::string rule;
  std::shared_ptr<const Json> value;

  bool operator==(const FieldConstraint& other) const;
};

/// One typed field.
struct Field {
  std::string name;
  Type type = {};
  /// What it means; "${name}" where nothing was said.
  std::string description = {};
  /// DSPy's label of the field, "Question:"; reaches saved state, no prompt.
  std::string prefix = {};
  /// In the order in which they were stated.
  std::vector<FieldConstraint> constraints = {};
  /// What stands for a missing value; null if there is none.
  std::shared_ptr<const Json> default_value = {};
  /// The JSON Schema text that prompts print for the type, where the program gives it (captured from Python types that
  /// have no exact equal); empty: JsonSchema of the type.
  std::string schema_note = {};
  /// Whether the string form gave no type.
  bool untyped = false;

  bool operator==(const Field& other) const;
};

/// The fields' names, in order.
std::vector<std::string> FieldNames(const std::vector<Field>& fields);

/// A field of which only this is said: its description and prefix are made from the name as DSPy makes them.
Field MakeField(std::string name, Type type);

/// What a module takes and gives: instructions and ordered, typed input and output fields. Immutable.
class Signature {
 public:
  enum class Side { kInputs, kOutputs };

  /// Reads DSPy's string form: "question: str, numbers: list[int] -> answer: float, label: Literal['yes', 'no']".
  /// Fields without a type are str; `types` are those that the program declares. Errors are INVALID_ARGUMENT /
  /// INVALID_SIGNATURE with metadata `position` (byte offset in `text`) and `token` (what stands there, shortened; "end
  /// of text" at the end). Default values are read over and dropped. Instructions lose their common indentation and
  /// blank edges as Python's inspect.cleandoc does it; where there are none, they stay empty: the adapter has a
  /// sentence for that.
  static absl::StatusOr<Signature> FromString(absl::string_view text, absl::string_view instructions = "",
                                              const std::shared_ptr<const TypeTable>& types = nullptr);

  /// Builds from the structured form; `instructions`, if not empty, stand in for the proto's. Errors are as
  /// FromString's, with metadata `field` and a BadRequest violation ("inputs[2].type"); positions count from the start
  /// of that text.
  static absl::StatusOr<Signature> FromProto(const v1::Signature& proto, absl::string_view instructions = "",
                                             const std::shared_ptr<const TypeTable>& types = nullptr);

  /// Builds from fields: their names are checked, the rest is taken as it is (prefixes and descriptions that are empty
  /// are made from the name). Here a side may be empty. Errors as FromProto's.
  static absl::StatusOr<Signature> FromFields(std::vector<Field> inputs, std::vector<Field> outputs,
                                              absl::string_view instructions = "");

  /// Derived signatures, as DSPy derives them. A field whose name is taken keeps the old field's content and takes the
  /// first of the two places.
  Signature Prepend(Side side, const Field& field) const { return Insert(side, 0, field); }
  Signature Append(Side side, const Field& field) const;
  /// `index` is at most the number of fields of that side.
  Signature Insert(Side side, std::size_t index, const Field& field) const;
  /// Without that field, if there is one; a side may become empty.
  Signature Delete(absl::string_view name) const;
  /// With this in place of the field of its name, if there is one.
  Signature Replace(Field field) const;
  Signature WithInstructions(absl::string_view instructions) const;

  const std::string& instructions() const { return instructions_; }
  const std::vector<Field>& inputs() const { return inputs_; }
  const std::vector<Field>& outputs() const { return outputs_; }

  /// The names that the default sentence has, where there are no instructions: those of the signature that this one was
  /// derived from, as in DSPy (a ChainOfThought's sentence does not name its reasoning).
  const std::vector<std::string>& default_inputs() const { return default_inputs_; }
  const std::vector<std::string>& default_outputs() const { return default_outputs_; }

  const Field* FindInput(absl::string_view name) const;
  const Field* FindOutput(absl::string_view name) const;

  /// The string form, types included; FromString of it gives an equal signature (instructions, descriptions and what
  /// else the string form has no place for apart).
  std::string ToString() const;

  bool operator==(const Signature&) const = default;

 private:
  Signature(std::vector<Field> inputs, std::vector<Field> outputs, absl::string_view instructions);

  std::string instructions_;
  std::vector<Field> inputs_;
  std::vector<Field> outputs_;
  std::vector<std::string> default_inputs_;
  std::vector<std::string> default_outputs_;
};

}  // namespace dspex
