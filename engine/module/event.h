#pragma once

#include <absl/strings/string_view.h>

#include <nlohmann/json.hpp>
#include <string>
#include <variant>

#include "engine/base/task.h"
#include "engine/json/json.h"

namespace dspex {

/// An output has begun. Beginning once more, it takes the place of what was told of it before: the model's answer
/// needed mending.
struct FieldStarted {
  absl::string_view field;
};
/// A piece of a text's value. Joined since its last start, the pieces are the value.
struct FieldDelta {
  absl::string_view field;
  std::string text;
};
/// An element of a list (`key` is empty) or a member of an object that has become whole, before the value has.
struct FieldPart {
  absl::string_view field;
  std::string key;
  Json value;
};
/// An output is whole, and of its type. May still be followed by an error, or by another start.
struct FieldCompleted {
  absl::string_view field;
  Json value;
};
/// A piece of the model's tool call `index`: id and name with its first, arguments (JSON text) with any.
struct ToolCallDelta {
  int index = 0;
  std::string id;
  std::string name;
  std::string arguments;
};
/// What the module does now.
struct StatusUpdate {
  enum class Kind { kCalling, kFallingBack };
  Kind kind = Kind::kCalling;
  /// kCalling: the model. kFallingBack: why.
  std::string detail;
};
/// The module ends with an error after outputs were told of: what there was of them, texts as far as they came.
struct Interrupted {
  Json outputs;
};

struct Event {
  /// The id of the module. It and the fields' names live as long as the program.
  absl::string_view module;
  std::variant<FieldStarted, FieldDelta, FieldPart, FieldCompleted, ToolCallDelta, StatusUpdate, Interrupted> what;
  /// The id of the step that called it; empty in a program without steps.
  absl::string_view step = {};
};

/// Where modules tell how they get on, for callers who want to see it.
class EventSink {
 public:
  virtual ~EventSink() = default;

  /// Awaiting it is the back-pressure: it suspends until the receiver has taken the event, and returns an error once it
  /// is gone.
  virtual StatusTask Emit(Event event) = 0;
};

}  // namespace dspex
