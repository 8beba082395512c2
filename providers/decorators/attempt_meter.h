#pragma once

#include <absl/strings/string_view.h>

#include <memory>
#include <optional>
#include <string>

#include "engine/lm/language_model.h"
#include "providers/price_table.h"

namespace dspex {

/// One try at a provider, when it has ended.
struct Attempt {
  absl::string_view provider;
  absl::string_view model;
  /// "ok", or the reason of the error in lower case ("provider_timeout"): one of a small set.
  absl::string_view outcome;
  /// What was charged for it.
  Usage usage;
  Clock::duration duration{};
};

/// Told of every attempt, on the thread that made it. Thread-safe; must not block.
class AttemptObserver {
 public:
  virtual ~AttemptObserver() = default;
  virtual void OnAttempt(const Attempt& attempt) = 0;
};

/// A model that notes each call to `inner` in the request's record and tells `observer`, which must outlive it, of it.
///
/// It alone charges: it adds the usage of each attempt, with its cost by `price`, to RequestRecord::charged, once; an
/// answer carries the same. What an answer does not count is estimated: four bytes a token. Of failures it charges what
/// the provider says that they used (lm::WithUsage); where it says nothing, calls that were aborted after the request
/// was sent, and streams that broke, are charged the request's text and what came of the answer, likewise. What holds
/// an estimate is marked as estimated. Other failures are free.
std::shared_ptr<lm::LanguageModel> NewAttemptMeter(std::shared_ptr<lm::LanguageModel> inner, AttemptObserver& observer,
                                                   std::optional<Price> price = std::nullopt);

}  // namespace dspex
