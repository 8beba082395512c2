#include "server/config/read_file.h"

#include <absl/strings/str_cat.h>

#include <cerrno>
#include <cstdio>
#include <cstring>
#include <memory>

namespace dspex {

absl::StatusOr<std::string> ReadFile(const std::string& path, std::size_t max_bytes) {
  const bool is_stdin = path == "-";
  const auto close = [is_stdin](std::FILE* file) { return is_stdin ? 0 : std::fclose(file); };
  const std::unique_ptr<std::FILE, decltype(close)> file(is_stdin ? stdin : std::fopen(path.c_str(), "rb"), close);
  const auto unreadable = [&path] {
    return absl::InvalidArgumentError(absl::StrCat("cannot read ", path, " (", std::strerror(errno), ")"));
  };
  if (file == nullptr) return unreadable();
  std::string text;
  char block[16384];
  while (const std::size_t count = std::fread(block, 1, sizeof(block), file.get())) {
    text.append(block, count);
    if (text.size() > max_bytes) {
      return absl::InvalidArgumentError(absl::StrCat(path, " is larger than ", max_bytes, " bytes"));
    }
  }
  if (std::ferror(file.get()) != 0) return unreadable();
  return text;
}

}  // namespace dspex
