#pragma once

#include <absl/status/statusor.h>
#include <absl/strings/string_view.h>
#include <absl/time/time.h>

#include <cstdint>
#include <nlohmann/json_fwd.hpp>
#include <optional>
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
  absl::Time now = absl::InfinitePast();  ///< For rate limits.
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
  static absl::StatusOr<Script> ReadRules(const nlohmann::json& specs, Milliseconds default_latency);

  std::vector<Rule> rules_;
  Rule default_rule_;
  std::optional<RateLimiter> limiter_;
};

}  // namespace dspex::mock_llm
