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
    // As many bits as a double holds. (std::uniform_real_distribution takes a logarithm each time.)
    return static_cast<double>(engine_() >> 11) * 0x1p-53;
  }

 private:
  Mutex mutex_;
  std::mt19937_64 engine_ ABSL_GUARDED_BY(mutex_){std::random_device()()};
};

}  // namespace dspex
