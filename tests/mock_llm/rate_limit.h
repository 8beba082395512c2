#pragma once

#include <absl/time/time.h>

#include <optional>
#include <string>
#include <vector>

#include "tests/mock_llm/types.h"
#include "tests/mock_llm/wording.h"

namespace dspex::mock_llm {

/// What a provider allows in a minute; what it does not limit is absent.
struct RateLimits {
  std::optional<double> requests;
  std::optional<double> tokens;
  std::optional<double> input_tokens;  // Anthropic counts these apart, too.
  std::optional<double> output_tokens;
};

/// Buckets that fill evenly up to a minute's worth, as providers keep them.
class RateLimiter {
 public:
  explicit RateLimiter(const RateLimits& limits);

  /// Takes a request. It is let in when there is room for one more and for its input; its output is taken without
  /// asking, as nobody knows it before. Returns how long until there would be room if there is none.
  std::optional<absl::Duration> Take(const Counts& counts, absl::Time now);

  /// The state as a provider's headers tell it.
  Headers HeadersOf(Face face, absl::Time now);

 private:
  struct Bucket {
    std::string name;
    double limit;
    double input;   // How many a token of input takes.
    double output;  // And of output.
    double level;
  };

  void Fill(absl::Time now);

  std::vector<Bucket> buckets_;
  std::optional<absl::Time> filled_;
};

/// A duration as OpenAI's headers write it: `12ms`, `1.5s`, `1m2s`.
std::string FormatReset(absl::Duration duration);

}  // namespace dspex::mock_llm
