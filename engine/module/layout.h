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

  /// The outputs of the whole signature. What the model gave apart, tool calls and reasoning, counts even where its
  /// field was asked for as text, and beside tool calls the text need not parse. DATA_LOSS / COMPLETION_UNPARSABLE;
  /// `problem` is `no_completion` for an empty one.
  absl::StatusOr<Json> Read(const lm::Completion& completion) const;

  /// Read() where somebody else reads the text, which is only done if ReadsText(): `parsed` are the outputs of asked()
  /// that it has, or why it has none.
  absl::StatusOr<Json> Complete(const lm::Completion& completion, absl::StatusOr<Json> parsed) const;
  bool ReadsText(const lm::Completion& completion) const;

  /// A reader for one completion's text as it comes, if that is the text of fields. The layout outlives it.
  std::unique_ptr<CompletionReader> NewReader() const { return adapter_->NewReader(); }
  /// The output that is the model's reasoning, given apart; empty if none is.
  std::string ReasoningField() const;

  /// What the adapter asks for: the signature without what the model is to give apart.
  const Signature& asked() const { return asked_; }

 private:
  Layout(Signature signature, Signature asked, std::shared_ptr<const BoundAdapter> adapter, bool reusable);

  bool TakesCalls(const lm::Completion& completion) const;
  Json WithGivenApart(const Json& parsed, const lm::Completion& completion) const;

  Signature signature_;
  Signature asked_;
  std::shared_ptr<const BoundAdapter> adapter_;
  std::shared_ptr<const lm::Prefix> prefix_;
  lm::ResponseFormat format_;
  /// The input that the provider is told of as tools; empty if it is not.
  std::string tools_input_;
  /// The output of the type ToolCalls, if there is one.
  std::string tool_calls_output_;
  /// Whether the model is to give the outputs of the type Reasoning apart.
  bool reasons_ = false;
};

}  // namespace dspex
