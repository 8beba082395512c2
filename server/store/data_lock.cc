#include "server/store/data_lock.h"

#include <absl/strings/ascii.h>
#include <absl/strings/str_cat.h>
#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <filesystem>
#include <system_error>

#include "engine/base/error.h"
#include "engine/base/reasons.h"

namespace dspex {

namespace {

absl::Status Unusable(const std::string& directory, absl::string_view why) {
  return Error(absl::StatusCode::kInternal, reason::kStorage,
               absl::StrCat("The data directory ", directory, " cannot be used: ", why,
                            ". Give the server one that it may write to (data_dir)."))
      .With("data_dir", directory);
}

}  // namespace

absl::StatusOr<DataLock> DataLock::Acquire(const std::string& directory) {
  std::error_code error;
  std::filesystem::create_directories(directory, error);
  if (error) return Unusable(directory, error.message());
  const std::string path = absl::StrCat(directory, "/lock");
  DataLock lock(open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600));
  if (lock.fd_ < 0) return Unusable(directory, std::strerror(errno));
  if (flock(lock.fd_, LOCK_EX | LOCK_NB) != 0) {
    if (errno != EWOULDBLOCK) return Unusable(directory, std::strerror(errno));
    char holder[32] = {};
    const ssize_t length = pread(lock.fd_, holder, sizeof(holder) - 1, 0);
    const absl::string_view pid =
        absl::StripAsciiWhitespace(absl::string_view(holder, length > 0 ? static_cast<std::size_t>(length) : 0));
    return Error(absl::StatusCode::kFailedPrecondition, reason::kStorage,
                 absl::StrCat("The data directory ", directory, " is in use by another server (process ", pid,
                              "). Stop that one, or give this one a directory of its own (data_dir)."))
        .With("data_dir", directory)
        .With("pid", pid);
  }
  // For people only: the lock is what counts.
  const std::string pid = absl::StrCat(getpid(), "\n");
  if (ftruncate(lock.fd_, 0) != 0 || pwrite(lock.fd_, pid.data(), pid.size(), 0) < 0) {
    return Unusable(directory, std::strerror(errno));
  }
  return lock;
}

DataLock::~DataLock() {
  if (fd_ >= 0) close(fd_);
}

}  // namespace dspex
