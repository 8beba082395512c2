#pragma once

#include <absl/status/status.h>

#include <memory>
#include <vector>

#include "engine/base/time_source.h"
#include "engine/lm/language_model.h"

namespace dspex {

struct FallbackOptions {
  /// Attempts at providers that a call may cost, retries of all entries together.
  int max_attempts = 6;
};

/// Whether another endpoint may do better: this one is unreachable, overloaded, too slow, at its limits, not usable
/// with its credentials, does not know the model, or answers what is no answer. Not what any would say of the request.
bool IsWorthAnother(const absl::Status& status);

/// A chain of models: a call goes to the first, and to the next when an entry failed by what is IsWorthAnother, as long
/// as the receiver of deltas has got none. Each entry but the last has an equal share of the time that is left; that it
/// used up its share counts as its failure. All share one cap on attempts, which Retrying consults. Responses say which
/// entry answered; errors are the last entry's; both count the tries of all.
///
/// `chain` is not empty. `time` outlives the model.
std::shared_ptr<lm::LanguageModel> NewFallback(std::vector<std::shared_ptr<lm::LanguageModel>> chain,
                                               FallbackOptions options, TimeSource& time);

}  // namespace dspex
