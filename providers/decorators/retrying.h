#pragma once

#include <chrono>
#include <functional>
#include <memory>

#include "engine/base/time_source.h"
#include "engine/lm/language_model.h"
#include "providers/decorators/retry_budget.h"

namespace dspex {

struct RetryOptions {
  /// Tries of a call, the first one included.
  int max_attempts = 3;
  /// The first wait is at most this; each further one at most twice the one before.
  Clock::duration base_delay = std::chrono::seconds(1);
  Clock::duration max_delay = std::chrono::seconds(30);
};

/// Whether the same request may succeed another time: a rate limit, an overloaded or unreachable provider, a time-out
/// of the provider's. Not the caller's own deadline or cancellation, nor what the account or the request is to blame
/// for.
bool IsRetryable(const absl::Status& status);

/// A model that asks `inner` again after a retryable error, after a random wait (full jitter: uniform from 0 to a bound
/// that doubles, https://aws.amazon.com/blogs/architecture/exponential-backoff-and-jitter/) that a RetryInfo of the
/// error lengthens. No wait is begun that the deadline would cut off, nor one that the budget or the context's attempts
/// have no retry for, nor once the receiver of deltas has got some: then the error is the result. A first refusal for
/// the provider's rate takes nothing from the budget: the limiter within paces the next try. Waits count as queue time.
/// Errors gain the metadata `attempts`, responses their number.
///
/// `random` yields numbers from [0, 1) and is thread-safe, as are `budget` and `time`; all three outlive the model.
std::shared_ptr<lm::LanguageModel> NewRetrying(std::shared_ptr<lm::LanguageModel> inner, RetryOptions options,
                                               RetryBudget& budget, TimeSource& time, std::function<double()> random);

}  // namespace dspex
