#pragma once

#include <absl/status/statusor.h>
#include <absl/strings/string_view.h>

#include <memory>
#include <string>
#include <vector>

#include "engine/adapter/completion_reader.h"
#include "engine/adapter/phrasebook.h"
#include "engine/json/json.h"
#include "engine/lm/language_model.h"
#include "engine/signature/signature.h"

namespace dspex {

/// The layouts, DSPy's adapters.
enum class AdapterKind {
  /// Sections with markers, "[[ ## field ## ]]".
  kChat,
  /// A JSON object.
  kJson,
  /// XML elements.
  kXml,
  /// A JSON object, its types described in the style of BAML.
  kBaml,
  /// Free text, out of which a second call extracts the fields.
  kTwoStep,
};

struct AdapterOptions {
  AdapterKind kind = AdapterKind::kChat;
  /// Whether the provider, not the model's text, makes tool calls: those of the past are then told in its form.
  bool native_function_calling = false;
};

/// An adapter with its signature and demos: turns typed fields into messages and completions into typed fields. What
/// does not change between calls is worked out once. Immutable, thread-safe, no I/O.
class BoundAdapter {
 public:
  virtual ~BoundAdapter() = default;

  /// The turns that all requests begin with: the system message and the demos.
  virtual const std::vector<lm::Message>& prefix() const = 0;

  /// The turns of a call: the conversation so far, if the signature has a field of type History, and the question.
  /// `inputs` is an object; fields that it lacks are left out. It must have passed ContainsMarker (custom_type.h).
  /// INVALID_ARGUMENT / INVALID_VALUE (metadata `field`) for a value that cannot be printed.
  virtual absl::StatusOr<std::vector<lm::Message>> Turns(const Json& inputs) const = 0;

  /// The output fields of a completion, in the signature's order; what it lacks has the field's default, or null where
  /// the type allows it. DATA_LOSS / COMPLETION_UNPARSABLE with metadata `problem`: "missing" (`field`), "invalid"
  /// (`field`, `type`, `path`) or "malformed" (no JSON object, no XML); the completion's text is not part of the error.
  /// Two-step: a completion of its extraction.
  virtual absl::StatusOr<Json> Parse(absl::string_view completion) const = 0;

  /// A reader for one completion as it comes; null if its text is not that of fields (two-step). The adapter outlives
  /// it.
  virtual std::unique_ptr<CompletionReader> NewReader() const = 0;
};

/// Binds an adapter. A demo is an object of field values; keys that are no fields are ignored; one that lacks a whole
/// side (no input, or no output) is dropped, incomplete ones come first. INVALID_ARGUMENT / INVALID_SIGNATURE for what
/// the layout cannot say (BAML: a type within itself), INVALID_VALUE for a demo's value that cannot be printed.
absl::StatusOr<std::shared_ptr<const BoundAdapter>> BindAdapter(const AdapterOptions& options,
                                                                std::shared_ptr<const Phrasebook> phrasebook,
                                                                Signature signature, const std::vector<Json>& demos);

/// DSPy's choice of the form of answers, made before the call: nothing, any JSON object, or a strict schema where the
/// outputs have one. DSPy looks at the whole signature, fields that the provider fills in included.
lm::ResponseFormat FormatFor(const AdapterOptions& options, const Phrasebook& phrasebook, const Signature& signature,
                             const lm::Capabilities& capabilities);

/// The signature of two-step's second call: an input `text`, the first call's completion, and the outputs of
/// `signature`.
Signature ExtractionSignature(const Phrasebook& phrasebook, const Signature& signature);

}  // namespace dspex
