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
#include "engine/signature/signature.h"

namespace dspex {

/// One way of asking a predictor's question and of reading the answer: an adapter bound to the signature and demos, and
/// what of it the model does by itself (tool calls, reasoning). Immutable, thread-safe.
class Layout {
 public:
  /// What the provider is asked for, in place of what the model's capabilities say.
  enum class Format { kByCapabilities, kNone, kJsonObject, kJsonSchema };

  struct Settings {
    AdapterOptions adapter;
    Format format = Format::kByCapabilities;
    std::shared_ptr<const Phrasebook> phrasebook;
    Signature signature;
    std::vector<Json> demos;
    lm::Capabilities capabilities;
    /// Of the model, for an exception among those that reason.
    std::string lm_name;
    /// Whether several requests will share the prefix.
    bool reusable = true;
  };

  /// INVALID_ARGUMENT / INVALID_PROGRAM where a tool call is asked for without tools, and the adapter's errors.
  static absl::StatusOr<std::unique_ptr<const Layout>> Create(Settings settings);

  /// What this layout adds to a module's own options.
  lm::Options WithOwn(lm::Options options) const;

  /// `inputs` were taken by TakeInputs or CoerceInputs; `options` came from WithOwn.
  absl::StatusOr<lm::Request> MakeRequest(const Json& inputs, std::shared_ptr<const lm::Options> options) const;

  /// The outputs of the whole signature. DATA_LOSS / COMPLETION_UNPARSABLE; `problem` is `no_completion` for an empty
  /// one.
  absl::StatusOr<Json> Read(const lm::Completion& completion) const;

  const Signature& signature() const { return signature_; }

 private:
  Layout(Signature signature, std::shared_ptr<const BoundAdapter> adapter, bool reusable);

  absl::StatusOr<Json> ReadToolCalls(const lm::Completion& completion) const;
  absl::StatusOr<Json> Complete(const Json& parsed, const lm::Completion& completion) const;

  Signature signature_;
  std::shared_ptr<const BoundAdapter> adapter_;
  std::shared_ptr<const lm::Prefix> prefix_;
  lm::ResponseFormat format_;
  /// The fields that the model fills in by itself; empty if it does not.
  std::string tools_input_;
  std::string tool_calls_output_;
  std::string reasoning_output_;
};

}  // namespace dspex
