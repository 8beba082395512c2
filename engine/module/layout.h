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
  static absl::StatusOr<std::unique_ptr<const Layout>> Create(const Settings& settings);

  /// What this layout adds to a module's own options.
  lm::Options WithOwn(lm::Options options) const;

  /// `inputs` were taken by TakeInputs or CoerceInputs; `options` came from WithOwn.
  absl::StatusOr<lm::Request> MakeRequest(const Json& inputs, std::shared_ptr<const lm::Options> options) const;

  /// The outputs of the whole signature. DATA_LOSS / COMPLETION_UNPARSABLE; `problem` is `no_completion` for an empty
  /// one.
  absl::StatusOr<Json> Read(const lm::Completion& completion) const;

  /// Read() of what somebody else reads texts for: `parsed` are the outputs of asked() in the completion's text, if
  /// that is not empty.
  absl::StatusOr<Json> Complete(const lm::Completion& completion, absl::StatusOr<Json> parsed) const;

  /// What the prompt asks for: the signature without what the model does by itself.
  const Signature& asked() const { return asked_; }

 private:
  explicit Layout(const Signature& signature) : signature_(signature), asked_(signature) {}

  absl::Status LeaveToModel(const Settings& settings);
  Json WithModelsOwn(const Json& parsed, const lm::Completion& completion) const;

  Signature signature_;
  Signature asked_;
  std::shared_ptr<const BoundAdapter> adapter_;
  std::shared_ptr<const lm::Prefix> prefix_;
  lm::ResponseFormat format_;
  /// The input that is sent as tools; empty if none is.
  std::string tools_input_;
  /// Outputs that the model may fill in by itself, whether or not the prompt asks for them too; empty if there is none.
  std::string tool_calls_output_;
  std::string reasoning_output_;
  /// Whether the model is left to reason by itself.
  bool reasons_ = false;
};

}  // namespace dspex
