#pragma once

#include <absl/strings/string_view.h>

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "engine/adapter/completion_reader.h"
#include "engine/json/json.h"
#include "engine/lm/delta.h"
#include "engine/module/event.h"
#include "engine/signature/signature.h"

namespace dspex {

/// Turns a completion, as it comes, into events of the module's outputs. Whatever it told on the way, after Finish the
/// events add up to the prediction. For one answer of one module; used on the request's executor.
class FieldStream final : public lm::DeltaSink {
 public:
  struct Options {
    absl::string_view module;
    /// All of the module's outputs.
    const std::vector<Field>* outputs = nullptr;
    /// Null if the completion's text is not told of as it comes.
    std::unique_ptr<CompletionReader> reader;
    /// The output that the model's reasoning becomes; empty if none does.
    std::string reasoning_field;
  };

  /// `events` and what `options` points to outlive the stream.
  FieldStream(Options options, EventSink& events);

  StatusTask Take(lm::Delta delta) override;
  bool committed() const override { return committed_; }

  /// Tells what the module does.
  StatusTask Tell(StatusUpdate status);

  /// Whether any output was told of.
  bool told() const { return told_; }

  /// Another stream has told of these outputs.
  void AddTold(const Json& outputs);

  /// Tells what is missing, or differs, from the prediction's outputs.
  StatusTask Finish(const Json& outputs);

  /// Tells what there is of the outputs, because the module ends with an error. Nothing if none was told of.
  StatusTask Interrupt();

 private:
  /// What was told of an output.
  struct Told {
    bool started = false;
    std::string text;
    /// Null until it was completed.
    std::unique_ptr<Json> value;
  };

  using What = decltype(Event::what);

  StatusTask Emit(What what);
  StatusTask Pass(FieldPiece piece);
  StatusTask FinishField(std::size_t place, const Json& value);
  std::size_t PlaceOf(absl::string_view field) const;
  absl::string_view NameAt(std::size_t place) const;

  const Options options_;
  EventSink& events_;
  std::vector<Told> told_of_;
  bool committed_ = false;
  bool told_ = false;
};

}  // namespace dspex
