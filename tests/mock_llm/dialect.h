#pragma once

#include <absl/strings/string_view.h>

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "tests/mock_llm/request.h"
#include "tests/mock_llm/stream.h"
#include "tests/mock_llm/types.h"

namespace dspex::mock_llm {

struct ToolCall {
  std::string name;
  std::string arguments;  ///< JSON, if the script's author wrote JSON.
};

/// What the model says, in no provider's words.
struct Completion {
  std::vector<std::optional<std::string>> contents;  ///< One for each choice.
  std::vector<ToolCall> tool_calls;
  std::string reasoning;      ///< Empty: none.
  std::string refusal;        ///< Empty: none.
  std::string finish_reason;  ///< In the words of chat completions, or the provider's own.
  std::string usage;          ///< The provider's object, JSON; empty: counted, about a token for four bytes.
  std::string logprobs;       ///< Of a choice, as in chat completions, JSON; empty: none.
  bool no_usage = false;
};

/// An error of a provider.
struct Failure {
  int status = 500;
  std::string type;
  std::string code;
  std::string message = "";  ///< The provider's, where clients read what happened from it.
};

/// How a provider words its answers. All texts are JSON.
class Dialect {
 public:
  virtual ~Dialect() = default;

  /// The header that carries the provider's id of the request.
  virtual absl::string_view request_id_header() const { return "x-request-id"; }

  /// A whole answer.
  virtual std::string Write(const ModelCall& call, int64_t sequence, const Completion& completion) const = 0;
  /// The same as a stream.
  virtual std::vector<Event> Stream(const ModelCall& call, int64_t sequence, const Completion& completion,
                                    const StreamShape& shape) const = 0;

  /// The error behind a fault's name; nullopt if the fault is no error of the provider's.
  virtual std::optional<Failure> FailureOf(absl::string_view fault) const = 0;
  /// An error as the body of an answer.
  virtual std::string WriteError(const Failure& failure, absl::string_view message, int64_t sequence) const = 0;
  /// An error within a stream, after so many events.
  virtual Event ErrorEvent(int64_t sequence, size_t position) const = 0;
};

/// The dialect of a face; lives forever.
const Dialect& DialectOf(Face face);

}  // namespace dspex::mock_llm
