#include "engine/signature/signature.h"

#include <absl/strings/str_cat.h>

#include <algorithm>
#include <nlohmann/json.hpp>
#include <utility>

#include "engine/signature/docstring.h"
#include "engine/signature/named_type.h"
#include "engine/signature/prefix.h"

namespace dspex {

namespace {

const Field* Find(const std::vector<Field>& fields, absl::string_view name) {
  const auto found =
      std::find_if(fields.begin(), fields.end(), [name](const Field& field) { return field.name == name; });
  return found == fields.end() ? nullptr : &*found;
}

void AppendFields(std::string& out, const std::vector<Field>& fields) {
  absl::string_view separator;
  for (const Field& field : fields) {
    absl::StrAppend(&out, separator, field.name, ": ", field.type.ToNotation());
    separator = ", ";
  }
}

bool SameValue(const std::shared_ptr<const Json>& a, const std::shared_ptr<const Json>& b) {
  if (a == b) return true;
  // 5 and 5.0 are two things to a prompt.
  return a != nullptr && b != nullptr && a->type() == b->type() && *a == *b;
}

}  // namespace

bool FieldConstraint::operator==(const FieldConstraint& other) const {
  return rule == other.rule && SameValue(value, other.value);
}

bool Field::operator==(const Field& other) const {
  return name == other.name && type == other.type && description == other.description && prefix == other.prefix &&
         constraints == other.constraints && SameValue(default_value, other.default_value) &&
         schema_note == other.schema_note && untyped == other.untyped;
}

std::vector<std::string> FieldNames(const std::vector<Field>& fields) {
  std::vector<std::string> names;
  names.reserve(fields.size());
  for (const Field& field : fields) names.push_back(field.name);
  return names;
}

Field MakeField(std::string name, Type type) {
  std::string description = absl::StrCat("${", name, "}");
  std::string prefix = InferPrefix(name);
  return Field{.name = std::move(name),
               .type = std::move(type),
               .description = std::move(description),
               .prefix = std::move(prefix)};
}

Signature::Signature(std::vector<Field> inputs, std::vector<Field> outputs, absl::string_view instructions)
    : instructions_(CleanDocstring(instructions)),
      inputs_(std::move(inputs)),
      outputs_(std::move(outputs)),
      default_inputs_(FieldNames(inputs_)),
      default_outputs_(FieldNames(outputs_)) {}

Signature Signature::Append(Side side, const Field& field) const {
  return Insert(side, (side == Side::kInputs ? inputs_ : outputs_).size(), field);
}

Signature Signature::Insert(Side side, std::size_t index, const Field& field) const {
  // As in the dict that DSPy makes of all fields, inputs before outputs: a name stands where it comes first and means
  // what it meant last, its side included.
  struct Placed {
    Side side;
    Field field;
  };
  std::vector<Placed> all;
  const auto add = [&all](Side of, const Field& one) {
    const auto found =
        std::find_if(all.begin(), all.end(), [&one](const Placed& placed) { return placed.field.name == one.name; });
    if (found == all.end()) {
      all.push_back({of, one});
    } else {
      *found = {of, one};
    }
  };
  for (const Side of : {Side::kInputs, Side::kOutputs}) {
    const std::vector<Field>& fields = of == Side::kInputs ? inputs_ : outputs_;
    index = std::min(index, of == side ? fields.size() : index);
    for (std::size_t i = 0; i <= fields.size(); ++i) {
      if (of == side && i == index) add(of, field);
      if (i < fields.size()) add(of, fields[i]);
    }
  }
  Signature derived = *this;
  derived.inputs_.clear();
  derived.outputs_.clear();
  for (Placed& placed : all) {
    (placed.side == Side::kInputs ? derived.inputs_ : derived.outputs_).push_back(std::move(placed.field));
  }
  return derived;
}

Signature Signature::Delete(absl::string_view name) const {
  Signature derived = *this;
  const auto is_it = [name](const Field& field) { return field.name == name; };
  std::erase_if(derived.inputs_, is_it);
  std::erase_if(derived.outputs_, is_it);
  return derived;
}

Signature Signature::Replace(Field field) const {
  Signature derived = *this;
  for (std::vector<Field>* side : {&derived.inputs_, &derived.outputs_}) {
    for (Field& old : *side) {
      if (old.name == field.name) {
        old = std::move(field);
        return derived;
      }
    }
  }
  return derived;
}

Signature Signature::WithInstructions(absl::string_view instructions) const {
  // Without any, the sentence is made anew, of the fields there are now.
  return Signature(inputs_, outputs_, instructions);
}

const Field* Signature::FindInput(absl::string_view name) const { return Find(inputs_, name); }
const Field* Signature::FindOutput(absl::string_view name) const { return Find(outputs_, name); }

std::string Signature::ToString() const {
  std::string out;
  AppendFields(out, inputs_);
  absl::StrAppend(&out, inputs_.empty() ? "-> " : " -> ");
  AppendFields(out, outputs_);
  return out;
}

}  // namespace dspex
