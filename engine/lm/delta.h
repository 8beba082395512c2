#pragma once

#include <string>
#include <variant>

#include "engine/base/task.h"

namespace dspex::lm {

struct Response;

/// A piece of a completion's text.
struct TextDelta {
  std::string text;
};

/// A piece of what a reasoning model thought.
struct ReasoningDelta {
  std::string text;
};

/// A piece of the tool call `index`: its id and name come with its first piece, its arguments with any.
struct ToolCallDelta {
  int index = 0;
  std::string id;
  std::string name;
  std::string arguments;
};

using Delta = std::variant<TextDelta, ReasoningDelta, ToolCallDelta>;

/// Where a call to a language model puts its completion as it comes, in pieces that follow each other: joined they are
/// the completion that the call returns. Only for calls that ask for one completion.
class DeltaSink {
 public:
  virtual ~DeltaSink() = default;

  /// Awaiting it is the back-pressure: it suspends until the piece is taken. An error (the receiver is gone, or takes
  /// no more) ends the call, with that error.
  virtual StatusTask Take(Delta delta) = 0;

  /// Whether a piece of content was taken. What made the call may no longer make it again, here or elsewhere: the
  /// receiver would get its beginning twice.
  virtual bool committed() const = 0;
};

/// Gives a completion that is there whole to one who wanted it as it comes.
StatusTask PutWhole(const Response& response, DeltaSink& sink);

}  // namespace dspex::lm
