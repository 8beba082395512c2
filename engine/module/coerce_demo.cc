#include <absl/strings/str_cat.h>

#include <nlohmann/json.hpp>
#include <utility>

#include "engine/base/error.h"
#include "engine/base/reasons.h"
#include "engine/module/predict.h"
#include "engine/signature/coerce.h"

namespace dspex {

absl::StatusOr<Json> CoerceDemo(const Signature& signature, Json demo) {
  if (!demo.is_object()) {
    return Error(absl::StatusCode::kInvalidArgument, reason::kInvalidValue,
                 "A demo is no JSON object. Give one object of field values.");
  }
  Json result = Json::object();
  for (const std::vector<Field>* fields : {&signature.inputs(), &signature.outputs()}) {
    for (const Field& field : *fields) {
      const auto found = demo.find(field.name);
      if (found == demo.end()) continue;
      // A null says that the demo does not give this field.
      absl::StatusOr<Json> value = found->is_null() ? Json() : CoerceGiven(field.type, std::move(*found));
      if (!value.ok()) return WithMetadata(value.status(), "field", field.name);
      result.push_back({field.name, *std::move(value)});
    }
  }
  for (const auto& [name, value] : demo.items()) {
    // How DSPy's optimizers mark the demos that they made.
    if (name == "augmented") continue;
    if (signature.FindInput(name) == nullptr && signature.FindOutput(name) == nullptr) {
      return Error(absl::StatusCode::kInvalidArgument, reason::kUnknownField,
                   absl::StrCat("A demo has the field '", name, "', which '", signature.ToString(),
                                "' does not. Remove it or correct its name."))
          .With("field", name);
    }
  }
  return result;
}

}  // namespace dspex
