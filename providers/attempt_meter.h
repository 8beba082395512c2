#pragma once

#include <absl/strings/string_view.h>

#include <memory>
#include <string>

#include "engine/lm/language_model.h"

namespace dspex {

/// One try at a provider, when it has ended.
struct Attempt {
  absl::string_view provider;
  absl::string_view model;
  /// "ok", or the reason of the error in lower case ("provider_timeout"): one of a small set.
  absl::string_view outcome;
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
std::shared_ptr<lm::LanguageModel> NewAttemptMeter(std::shared_ptr<lm::LanguageModel> inner, AttemptObserver& observer);

}  // namespace dspex
