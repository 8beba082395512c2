#pragma once

#include <absl/base/thread_annotations.h>

#include <random>

#include "engine/base/mutex.h"

namespace dspex {

/// Random numbers from [0, 1), for waits that must not fall together. Thread-safe.
class Jitter {
 public:
  double operator()() {
    MutexLock lock(&mutex_);
    return std::uniform_real_distribution<double>()(engine_);
  }

 private:
  Mutex mutex_;
  std::mt19937_64 engine_ ABSL_GUARDED_BY(mutex_){std::random_device()()};
};

}  // namespace dspex
