#pragma once

#include <absl/status/status.h>

#include <memory>
#include <string>

#include "engine/adapter/content.h"
#include "engine/adapter/phrasebook.h"
#include "engine/json/json.h"
#include "engine/signature/signature.h"

namespace dspex {

/// Prints one field's values as DSPy prints them into prompts. Immutable, thread-safe.
class ValueWriter {
 public:
  /// `book` and `field` outlive the writer.
  ValueWriter(const Phrasebook& book, const Field& field);

  /// Appends a value as a section's text: a list under a str as a numbered list, other lists and dicts as JSON, scalars
  /// as Python's str(), DSPy's own types as they format themselves. INVALID_ARGUMENT / INVALID_VALUE (metadata `field`)
  /// for what DSPy cannot print either: a list under a str with a number in it.
  absl::Status AppendTo(Content& out, const Json& value) const;

  /// Whether the value is an object that Python has as a pydantic model.
  bool IsModel(const Json& value) const;

  /// Appends what pydantic's model_dump_json(indent=2) gives.
  void AppendIndented(Content& out, const Json& value) const;

  /// What DSPy's serialize_for_json makes of the value, with blocks as marked texts: for a JSON text around it.
  Json ToPlain(const Json& value) const;

  const Field& field() const { return *field_; }

 private:
  const Phrasebook* book_;
  const Field* field_;
  // Whether the type's values do not print as plain JSON does.
  bool special_;
};

/// A tool as prompts print it; `tool` has "name", "desc" and "args".
std::string ToolText(const Phrasebook& book, const Json& tool);

}  // namespace dspex
