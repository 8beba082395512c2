#pragma once

#include <absl/status/statusor.h>

#include <string>
#include <utility>

namespace dspex {

/// Holds a data directory against other server processes, until it dies or the process does (the kernel drops the lock
/// with it, however it ends).
class DataLock {
 public:
  /// Makes the directory if it is missing and locks it. FAILED_PRECONDITION / STORAGE_FAILED, metadata `data_dir` and
  /// `pid`, if another process has it; INTERNAL if the directory cannot be used.
  static absl::StatusOr<DataLock> Acquire(const std::string& directory);

  DataLock(DataLock&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
  DataLock& operator=(DataLock&& other) noexcept {
    std::swap(fd_, other.fd_);
    return *this;
  }
  ~DataLock();

 private:
  explicit DataLock(int fd) : fd_(fd) {}
  int fd_;
};

}  // namespace dspex
