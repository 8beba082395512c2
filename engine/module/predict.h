#pragma once

#include <absl/status/statusor.h>

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "engine/adapter/adapter.h"
#include "engine/adapter/phrasebook.h"
#include "engine/json/json.h"
#include "engine/lm/language_model.h"
#include "engine/module/layout.h"
#include "engine/module/module.h"
#include "engine/signature/signature.h"

namespace dspex {

/// A language model by its name, and what became of finding it: an error is that of Forward and Render.
struct NamedModel {
  /// "provider/model".
  std::string name;
  absl::StatusOr<std::shared_ptr<lm::LanguageModel>> model = absl::UnknownError("");
};

/// What a Predict is made of.
struct PredictSettings {
  std::string id;
  Signature signature;
  /// Objects of field values, checked by CoerceDemo or as the program's author gave them.
  std::vector<Json> demos;
  Sampling sampling;
  NamedModel language_model;
  std::shared_ptr<const Phrasebook> phrasebook = Phrasebook::BuiltIn();
  AdapterOptions adapter = {};
  Layout::Format format = Layout::Format::kByCapabilities;
  /// Whether a completion that does not parse is asked for once more by the JSON adapter; for chat and XML.
  bool json_fallback = true;
  /// Two-step: the model that extracts the fields.
  std::optional<NamedModel> extraction = std::nullopt;
  Sampling extraction_sampling = {};
  /// Whether inputs must fit their types and constraints are checked; otherwise both are as in DSPy.
  bool enforced = true;
  /// The field by which several answers vote; empty: the first is the answer.
  std::string majority_field = "";
  /// Whether several requests will use the module.
  bool reusable = true;
};

/// The module that maps inputs to outputs by a call of a language model. Where several completions are asked for, that
/// many requests are made side by side.
absl::StatusOr<std::unique_ptr<const Module>> MakePredict(PredictSettings settings);

/// Checks a demo: an object whose keys are fields of the signature (UNKNOWN_FIELD) and whose values fit their types or
/// are null (INVALID_VALUE), coerced; DSPy's mark `augmented` is left out. Fields may be missing. Metadata `field`. The
/// result has the signature's order.
absl::StatusOr<Json> CoerceDemo(const Signature& signature, Json demo);

}  // namespace dspex
