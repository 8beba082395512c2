#pragma once

#include <absl/base/thread_annotations.h>

#include <algorithm>

#include "engine/base/mutex.h"

namespace dspex {

/// Keeps an outage from being multiplied: each call earns a share of a retry, each retry takes a whole one, so that in
/// the long run retries are at most that share of the calls. One for each endpoint. Thread-safe.
///
/// The idea is that of Finagle's RetryBudget (https://twitter.github.io/finagle/guide/Clients.html).
class RetryBudget {
 public:
  struct Options {
    /// Retries for each call.
    double share = 0.2;
    /// Retries that are there at the start, and the most that can be saved up.
    double reserve = 20;
  };

  explicit RetryBudget(Options options) : options_(options), balance_(options.reserve) {}

  /// Notes a call.
  void Deposit() {
    MutexLock lock(&mutex_);
    balance_ = std::min(balance_ + options_.share, options_.reserve);
  }

  /// Takes a retry; false if there is none.
  bool TryWithdraw() {
    MutexLock lock(&mutex_);
    if (balance_ < 1) return false;
    balance_ -= 1;
    return true;
  }

 private:
  const Options options_;
  Mutex mutex_;
  double balance_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace dspex
