#pragma once

#include <absl/status/statusor.h>
#include <absl/strings/string_view.h>

#include <cstdint>
#include <vector>

#include "tests/mock_llm/answer.h"
#include "tests/mock_llm/rule.h"
#include "tests/mock_llm/types.h"

namespace dspex::mock_llm {

/// A request as the script sees it. Header names are in lower case.
struct ModelRequest {
  int64_t sequence = 0;
  const Headers* headers = nullptr;
  absl::string_view body;
  Face face = Face::kChat;
};

/// Rules, tried in order. Not thread-safe.
class Script {
 public:
  /// The script that answers every request with the fields it asks for.
  explicit Script(Milliseconds default_latency);

  /// Reads a script; INVALID_ARGUMENT names the rule and what is wrong with it.
  static absl::StatusOr<Script> Parse(absl::string_view text, Milliseconds default_latency);

  /// The answer of the first rule that applies, or the default one.
  Answer AnswerTo(const ModelRequest& request);

 private:
  std::vector<Rule> rules_;
  Rule default_rule_;
};

}  // namespace dspex::mock_llm
