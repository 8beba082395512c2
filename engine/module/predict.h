#pragma once

#include <absl/status/statusor.h>

#include <memory>
#include <string>
#include <vector>

#include "engine/adapter/adapter.h"
#include "engine/json/json.h"
#include "engine/lm/language_model.h"
#include "engine/module/module.h"
#include "engine/signature/signature.h"

namespace dspex {

/// What a Predict is made of.
struct PredictSettings {
  std::string id;
  Signature signature;
  /// Objects of field values, checked by CoerceDemo.
  std::vector<Json> demos;
  lm::Options options;
  /// "provider/model".
  std::string lm_name;
  /// The model of that name, or why there is none: the error of Forward and Render.
  absl::StatusOr<std::shared_ptr<lm::LanguageModel>> language_model;
  std::shared_ptr<const Adapter> adapter;
  /// Whether several requests will use the module.
  bool reusable = true;
};

/// The module that maps inputs to outputs by one call of a language model.
absl::StatusOr<std::unique_ptr<const Module>> MakePredict(PredictSettings settings);

/// Checks a demo: an object whose keys are fields of the signature (UNKNOWN_FIELD) and whose values fit their types or
/// are null (INVALID_VALUE), coerced. Fields may be missing. Metadata `field`. The result has the signature's order.
absl::StatusOr<Json> CoerceDemo(const Signature& signature, Json demo);

}  // namespace dspex
