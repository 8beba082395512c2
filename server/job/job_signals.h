#pragma once

#include <absl/base/thread_annotations.h>
#include <absl/container/flat_hash_map.h>
#include <absl/strings/string_view.h>

#include <cstddef>
#include <memory>
#include <string>
#include <vector>

#include "engine/base/mutex.h"
#include "engine/base/waiter.h"

namespace dspex {

/// Coroutines that wait for something, by a key. Thread-safe.
class JobSignals {
 public:
  /// A waiter that the next Notify of the key wakes. It counts for as long as the caller keeps it.
  std::shared_ptr<Waiter> Wait(absl::string_view key, asio::any_io_executor executor);

  void Notify(absl::string_view key);

 private:
  using Waiters = std::vector<std::weak_ptr<Waiter>>;

  void Sweep() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);

  Mutex mutex_;
  absl::flat_hash_map<std::string, Waiters> waiters_ ABSL_GUARDED_BY(mutex_);
  // With so many keys, those that nobody waits for any more go.
  std::size_t sweep_at_ ABSL_GUARDED_BY(mutex_) = 64;
};

}  // namespace dspex
