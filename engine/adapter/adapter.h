#pragma once

#include <absl/status/statusor.h>
#include <absl/strings/string_view.h>

#include <memory>
#include <vector>

#include "engine/adapter/phrasebook.h"
#include "engine/json/json.h"
#include "engine/lm/language_model.h"
#include "engine/signature/signature.h"

namespace dspex {

/// Turns typed fields into messages and completions into typed fields. Pure: no I/O, no state between calls;
/// thread-safe.
class Adapter {
 public:
  virtual ~Adapter() = default;

  /// The turns that all requests of a signature with these demos begin with. A demo is an object of field values; one
  /// that lacks a whole side (no input, or no output) is dropped, incomplete ones come first.
  virtual absl::StatusOr<std::vector<lm::Message>> FormatPrefix(const Signature& signature,
                                                                const std::vector<Json>& demos) const = 0;

  /// The turn that asks for an answer. `inputs` were checked by CoerceInputs.
  virtual lm::Message FormatTurn(const Signature& signature, const Json& inputs) const = 0;

  /// The output fields of a completion, in the signature's order. DATA_LOSS / COMPLETION_UNPARSABLE with metadata
  /// `field`, and `problem` ("missing" or "invalid"; then also `type`); the completion's text is not part of the error.
  virtual absl::StatusOr<Json> Parse(const Signature& signature, absl::string_view completion) const = 0;
};

/// The adapter with section markers, "[[ ## field ## ]]". The layout is DSPy's; the fixed sentences come from the
/// phrasebook.
std::shared_ptr<const Adapter> MakeChatAdapter(std::shared_ptr<const Phrasebook> phrasebook = Phrasebook::BuiltIn());

}  // namespace dspex
