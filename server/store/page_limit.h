#pragma once

#include <cstddef>

namespace dspex {

/// How much goes into one page of a list: so many entries, and less than the 4 MiB that gRPC clients take by default.
class PageLimit {
 public:
  explicit PageLimit(int entries) : entries_(entries) {}

  /// Counts an entry of that size; false if it does not fit any more. The first one always fits.
  bool Take(std::size_t bytes) {
    bytes_ += bytes;
    if (taken_ >= entries_ || (taken_ > 0 && bytes_ > kMaxBytes)) return false;
    ++taken_;
    return true;
  }

 private:
  static constexpr std::size_t kMaxBytes = std::size_t{3} << 20;

  const int entries_;
  int taken_ = 0;
  std::size_t bytes_ = 0;
};

}  // namespace dspex
