#include "providers/anthropic/model_class.h"

#include <absl/strings/match.h>

namespace dspex::anthropic {

namespace {

struct KnownLimit {
  absl::string_view name_part;
  int max_tokens;
};

// These models refuse more.
constexpr KnownLimit kLowerLimits[] = {
    {"claude-3-haiku", 4096}, {"claude-3-opus", 4096}, {"claude-3-sonnet", 4096}, {"claude-3-5-", 8192}};

constexpr absl::string_view kAdaptive[] = {"sonnet-4-6", "opus-4-6"};
// Adaptive, too.
constexpr absl::string_view kNoSampling[] = {"opus-4-7", "opus-4-8", "sonnet-5", "opus-5",
                                             "haiku-5",  "fable",    "mythos"};

}  // namespace

ModelClass ClassOf(absl::string_view model) {
  ModelClass result;
  for (const KnownLimit& known : kLowerLimits) {
    if (absl::StrContains(model, known.name_part)) result.default_max_tokens = known.max_tokens;
  }
  for (const absl::string_view name_part : kAdaptive) {
    if (absl::StrContains(model, name_part)) result.adaptive_thinking = true;
  }
  for (const absl::string_view name_part : kNoSampling) {
    if (!absl::StrContains(model, name_part)) continue;
    result.adaptive_thinking = true;
    result.sampling = false;
  }
  return result;
}

}  // namespace dspex::anthropic
