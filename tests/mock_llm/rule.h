#pragma once

#include <absl/status/statusor.h>
#include <re2/re2.h>

#include <cstdint>
#include <memory>
#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <random>
#include <string>
#include <vector>

#include "tests/mock_llm/dialect.h"
#include "tests/mock_llm/rate_limit.h"
#include "tests/mock_llm/stream.h"
#include "tests/mock_llm/types.h"

namespace dspex::mock_llm {

/// One rule of a script: when it applies and what it answers. README.md says what each part means.
struct Rule {
  // When.
  std::optional<std::string> contains;
  std::unique_ptr<const RE2> regex;
  std::optional<std::string> model;
  Headers match_headers;
  std::optional<int64_t> times;

  // What.
  std::vector<std::string> contents;  // Empty with tool calls or a refusal: a null content.
  std::vector<ToolCall> tool_calls;
  std::string reasoning;
  std::string refusal;
  std::string finish_reason;
  std::string usage;     // JSON; empty: counted.
  std::string logprobs;  // JSON; empty: null.
  bool no_usage = false;
  std::shared_ptr<const std::string> raw_body;
  int status = 200;
  Headers headers;

  // How.
  std::string fault;
  StreamShape shape;
  bool chunked = false;  // Answers that are no streams, too.
  Milliseconds drip{20};
  Milliseconds fixed_latency{0};
  std::optional<std::lognormal_distribution<double>> random_latency;
  std::mt19937_64 random;
  std::optional<RateLimiter> limiter;

  // Progress.
  int64_t used = 0;
  size_t next_content = 0;
};

/// The rule that answers with the fields that the request asks for.
Rule DefaultRule(Milliseconds latency);

/// Reads a rate_limit of a rule or a script.
absl::StatusOr<RateLimits> ReadRateLimits(const nlohmann::json& spec);

/// Reads a rule; INVALID_ARGUMENT says what is wrong with it.
absl::StatusOr<Rule> ReadRule(const nlohmann::json& spec, Milliseconds default_latency);

}  // namespace dspex::mock_llm
