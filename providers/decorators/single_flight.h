#pragma once

#include <memory>

#include "engine/base/task_scope.h"
#include "engine/base/time_source.h"
#include "engine/lm/language_model.h"
#include "providers/decorators/request_digest.h"

namespace dspex {

/// A model that makes one call of equal ones which come while it runs. Calls that want deltas are made on their own.
///
/// The call runs in `scope`, on the executor of who came first, for as long as anybody waits for it: it goes on when
/// that one leaves, its deadline is the latest of those who wait, and it is cancelled when the last one leaves. Each
/// waits to its own deadline and no longer. The first of those who wait at the end is charged; the answers of the
/// others carry no usage. Waits, but for the attempts in them, count as queue time.
///
/// `digester`, `scope` and `time` outlive the model and its calls.
std::shared_ptr<lm::LanguageModel> NewSingleFlight(std::shared_ptr<lm::LanguageModel> inner, RequestDigester& digester,
                                                   TaskScope& scope, TimeSource& time);

}  // namespace dspex
