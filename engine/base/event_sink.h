#pragma once

#include <string>
#include <variant>

#include "engine/base/task.h"

namespace dspex {

/// A piece of a completion's text, as the language model gives it.
struct TextDelta {
  std::string text;
};

using Event = std::variant<TextDelta>;

/// Where the events of a streaming call go. Awaiting Emit is the back-pressure: it suspends until the receiver has
/// taken the event, and returns an error once it is gone.
class EventSink {
 public:
  virtual ~EventSink() = default;
  virtual StatusTask Emit(Event event) = 0;
};

}  // namespace dspex
