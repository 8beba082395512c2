#pragma once

#include <absl/base/thread_annotations.h>
#include <absl/strings/string_view.h>

#include "engine/base/mutex.h"
#include "server/store/program_store.h"

namespace dspex {

/// Where the stores whose transactions change programs announce it. Thread-safe.
class ProgramChanges {
 public:
  /// Null for nobody. When this returns, the observer before is not called any more.
  void SetObserver(ProgramObserver* observer) {
    MutexLock lock(&mutex_);
    observer_ = observer;
  }

  /// On the database's writer thread, after the commit.
  void Announce(absl::string_view tenant, absl::string_view id) {
    MutexLock lock(&mutex_);
    if (observer_ != nullptr) observer_->OnProgramChanged(tenant, id);
  }

 private:
  Mutex mutex_;
  ProgramObserver* observer_ ABSL_GUARDED_BY(mutex_) = nullptr;
};

}  // namespace dspex
