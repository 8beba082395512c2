#pragma once

#include <absl/status/statusor.h>
#include <absl/strings/string_view.h>

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "engine/adapter/adapter.h"
#include "engine/adapter/content.h"
#include "engine/adapter/value_writer.h"

namespace dspex {

/// What an adapter is made of.
struct AdapterParts {
  AdapterOptions options;
  std::shared_ptr<const Phrasebook> book;
  Signature signature;
};

/// What DSPy's adapters have in common: the order of messages, demos, history, what is missing. Each says what one
/// message looks like.
class AdapterBase : public BoundAdapter {
 public:
  /// `tells_history`: whether a field of type History becomes turns.
  explicit AdapterBase(AdapterParts parts, bool tells_history = true);

  /// Renders the prefix; to be called once, before the adapter is shared.
  absl::Status RenderPrefix(const std::vector<Json>& demos);

  const std::vector<lm::Message>& prefix() const override { return prefix_; }
  absl::StatusOr<std::vector<lm::Message>> Turns(const Json& inputs) const override;

 protected:
  using Fields = std::vector<const ValueWriter*>;

  /// The system message's text.
  virtual absl::StatusOr<std::string> System() const = 0;

  /// Appends the given inputs' sections.
  virtual absl::Status AppendInputs(const Fields& fields, const Json& values, Content& out) const = 0;

  /// The text of an answer. An output that `values` lacks says `missing`, or None if there is no such text.
  virtual absl::StatusOr<std::string> Answer(const Fields& fields, const Json& values,
                                             const std::string* missing) const = 0;

  /// What ends a question; empty: nothing does.
  const std::string& reminder() const { return reminder_; }
  void set_reminder(std::string reminder) { reminder_ = std::move(reminder); }

  /// How blocks among a live turn's inputs are written.
  virtual Content::Blocks live_blocks() const { return Content::Blocks::kParts; }
  /// Whether text between markers becomes blocks.
  virtual bool expands_markers() const { return true; }

  /// Whether an empty question is asked too.
  virtual bool asks_for_nothing() const { return false; }

  const Phrasebook& book() const { return *parts_.book; }
  const std::shared_ptr<const Phrasebook>& book_pointer() const { return parts_.book; }
  const Signature& signature() const { return parts_.signature; }
  const Fields& outputs() const { return outputs_; }

  /// The outputs in order, from what was read: what is absent has its default, null where the type allows it, or is the
  /// error. `values` has one place for each output.
  absl::StatusOr<Json> Complete(std::vector<std::optional<Json>> values) const;

 private:
  absl::Status AppendHistory(const Json& inputs, std::vector<lm::Message>& turns) const;
  absl::Status AppendPastTurn(const Json& past, std::vector<lm::Message>& turns) const;
  absl::Status AppendPastCalls(const Json& past, const Json& calls, std::vector<lm::Message>& turns) const;
  absl::Status AppendToolResults(const Json& results, std::vector<lm::Message>& turns) const;
  absl::StatusOr<lm::Message> Question(const Json& values, bool asks) const;
  absl::Status AppendDemo(const Json& demo, bool complete);

  const AdapterParts parts_;
  std::vector<lm::Message> prefix_;
  std::string reminder_;
  std::vector<ValueWriter> writers_;
  Fields inputs_;
  // Without the history.
  Fields live_inputs_;
  Fields outputs_;
  std::string history_;
};

std::unique_ptr<AdapterBase> MakeChatAdapter(AdapterParts parts);
std::unique_ptr<AdapterBase> MakeJsonAdapter(AdapterParts parts);
std::unique_ptr<AdapterBase> MakeXmlAdapter(AdapterParts parts);
std::unique_ptr<AdapterBase> MakeBamlAdapter(AdapterParts parts);
std::unique_ptr<AdapterBase> MakeTwoStepAdapter(AdapterParts parts);

/// The member of a values' object; null if it has none.
const Json* FindMember(const Json& values, absl::string_view name);

/// COMPLETION_UNPARSABLE: the completion is not of the layout's form.
absl::Status Malformed(absl::string_view problem);
/// COMPLETION_UNPARSABLE: an output's text is no value of its type.
absl::Status Invalid(const Field& field, const absl::Status& cause);

}  // namespace dspex
