#pragma once

#include <absl/status/statusor.h>
#include <absl/strings/string_view.h>
#include <re2/re2.h>

#include <chrono>
#include <cstdint>
#include <memory>
#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <random>
#include <string>
#include <utility>
#include <vector>

namespace dspex::mock_llm {

using Milliseconds = std::chrono::duration<double, std::milli>;
using Headers = std::vector<std::pair<std::string, std::string>>;

/// A request as the script sees it. Header names are in lower case.
struct ModelRequest {
  int64_t sequence = 0;
  const Headers* headers = nullptr;
  absl::string_view body;
};

/// How the bytes of an answer reach the client, if they do.
enum class Delivery {
  kWhole,
  kClose,
  kReset,
  kCloseInBody,
  kResetInBody,
  kHang,
  kHangInBody,
  kDrip,
};

/// What a request is answered with. `headers` replace the server's own of the same name.
struct Answer {
  int status = 200;
  std::string content_type = "application/json";
  Headers headers;
  std::shared_ptr<const std::string> body;
  Milliseconds latency{0};
  Delivery delivery = Delivery::kWhole;
  Milliseconds drip{20};
};

/// One rule of a script: when it applies and what it answers. README.md says what each part means.
struct Rule {
  // When.
  std::optional<std::string> contains;
  std::unique_ptr<const RE2> regex;
  std::optional<std::string> model;
  Headers match_headers;
  std::optional<int64_t> times;

  // What.
  std::vector<std::string> contents;  // Empty with tool calls: a null content.
  std::string tool_calls;             // As in a response's message, JSON; empty for none.
  std::string finish_reason;
  std::string usage;  // JSON; empty: counted.
  std::shared_ptr<const std::string> raw_body;
  int status = 200;
  Headers headers;

  // How.
  std::string fault;
  Milliseconds drip{20};
  Milliseconds fixed_latency{0};
  std::optional<std::lognormal_distribution<double>> random_latency;
  std::mt19937_64 random;

  // Progress.
  int64_t used = 0;
  size_t next_content = 0;
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
