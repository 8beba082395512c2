#pragma once

#include <absl/status/statusor.h>
#include <absl/strings/string_view.h>

#include <string>

#include "engine/base/context.h"
#include "engine/json/json.h"
#include "engine/lm/language_model.h"
#include "engine/module/prediction.h"
#include "engine/module/sampling.h"
#include "engine/signature/signature.h"

namespace dspex {

/// One module of a program: typed inputs in, typed outputs out. Immutable and thread-safe; what changes about a module
/// lives elsewhere.
class Module {
 public:
  virtual ~Module() = default;

  virtual const std::string& id() const = 0;
  virtual const Signature& signature() const = 0;

  /// Runs the module; what `call` sets stands in for the module's own sampling settings. Usage, trace and intervals go
  /// to the context's record. `call` outlives the task.
  virtual Task<Prediction> Forward(RequestContext context, Json inputs, const Sampling& call) const = 0;

  /// What Forward would say of these inputs, as far as `part` goes: the signature, or what is left of it without the
  /// inputs that are not known yet.
  virtual absl::Status CheckInputs(const Signature& part, Json inputs) const = 0;

  /// The request Forward would send first, and the model it would go to.
  virtual absl::StatusOr<lm::RenderedRequest> Render(Json inputs, const Sampling& call) const = 0;

  /// The outputs of a given completion, or Forward's error.
  virtual absl::StatusOr<Prediction> Parse(absl::string_view completion) const = 0;

  /// "provider/model".
  virtual std::string lm_name() const = 0;
};

}  // namespace dspex
