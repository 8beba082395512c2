#pragma once

#include <absl/base/thread_annotations.h>

#include <chrono>
#include <condition_variable>
#include <mutex>

namespace dspex {

/// std::mutex with the annotations by which clang checks what it guards. (Not absl::Mutex: the system's Abseil is built
/// without the thread sanitizer, which would not see its locks.)
class ABSL_LOCKABLE Mutex {
 public:
  void lock() ABSL_EXCLUSIVE_LOCK_FUNCTION() { mutex_.lock(); }
  void unlock() ABSL_UNLOCK_FUNCTION() { mutex_.unlock(); }

 private:
  std::mutex mutex_;
};

/// Holds a mutex for a scope.
class ABSL_SCOPED_LOCKABLE MutexLock {
 public:
  explicit MutexLock(Mutex* mutex) ABSL_EXCLUSIVE_LOCK_FUNCTION(mutex) : mutex_(mutex) { mutex_->lock(); }
  ~MutexLock() ABSL_UNLOCK_FUNCTION() { mutex_->unlock(); }

  MutexLock(const MutexLock&) = delete;
  MutexLock& operator=(const MutexLock&) = delete;

 private:
  Mutex* const mutex_;
};

/// A condition variable for Mutex. Waits may end without cause, so they stand in a loop:
///
///     while (queue_.empty()) changed_.Wait(&mutex_);
class CondVar {
 public:
  void Wait(Mutex* mutex) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex) { condition_.wait(*mutex); }
  /// False if it ended at `deadline`.
  bool WaitUntil(Mutex* mutex, std::chrono::steady_clock::time_point deadline) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex) {
    // The C library adds to the deadline while it converts: the far future would overflow.
    const auto far = std::chrono::steady_clock::now() + std::chrono::hours(24 * 365);
    return condition_.wait_until(*mutex, deadline < far ? deadline : far) == std::cv_status::no_timeout;
  }
  void NotifyOne() { condition_.notify_one(); }
  void NotifyAll() { condition_.notify_all(); }

 private:
  std::condition_variable_any condition_;
};

/// Something that happens once and that threads (not coroutines) wait for.
class Notification {
 public:
  void Notify() {
    MutexLock lock(&mutex_);
    notified_ = true;
    condition_.NotifyAll();
  }
  void Wait() { WaitUntil(std::chrono::steady_clock::time_point::max()); }
  /// False if it did not happen by `deadline`.
  bool WaitUntil(std::chrono::steady_clock::time_point deadline) {
    MutexLock lock(&mutex_);
    while (!notified_) {
      if (!condition_.WaitUntil(&mutex_, deadline)) return notified_;
    }
    return true;
  }
  bool WaitFor(std::chrono::milliseconds duration) { return WaitUntil(std::chrono::steady_clock::now() + duration); }

 private:
  Mutex mutex_;
  CondVar condition_;
  bool notified_ ABSL_GUARDED_BY(mutex_) = false;
};

}  // namespace dspex
