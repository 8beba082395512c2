#include "server/cli/python_side.h"

#include <absl/cleanup/cleanup.h>
#include <absl/strings/str_cat.h>
#include <fcntl.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstdlib>
#include <cstring>

// The process's own environment, for the child.
extern char** environ;

namespace dspex {

// The package as a zip, embedded by the build.
extern const unsigned char kPythonSide[];
extern const std::size_t kPythonSideSize;

namespace cli {

namespace {

absl::Status SystemError(absl::string_view what) {
  return absl::FailedPreconditionError(absl::StrCat("cannot ", what, ": ", std::strerror(errno)));
}

std::string Interpreter(const std::string& python) {
  if (!python.empty()) return python;
  const char* environment = std::getenv("VIRTUAL_ENV");
  return environment != nullptr && *environment != '\0' ? absl::StrCat(environment, "/bin/python") : "python3";
}

// The zip as a file of its own, which the caller removes.
absl::StatusOr<std::string> WritePackage() {
  const char* folder = std::getenv("TMPDIR");
  std::string path = absl::StrCat(folder != nullptr ? folder : "/tmp", "/dspex-python-XXXXXX");
  const int file = ::mkstemp(path.data());
  if (file < 0) return SystemError(absl::StrCat("write ", path));
  std::size_t written = 0;
  while (written < kPythonSideSize) {
    const ssize_t count = ::write(file, kPythonSide + written, kPythonSideSize - written);
    if (count < 0) break;
    written += static_cast<std::size_t>(count);
  }
  ::close(file);
  if (written == kPythonSideSize) return path;
  absl::Status error = SystemError(absl::StrCat("write ", path));
  ::unlink(path.c_str());
  return error;
}

absl::StatusOr<pid_t> Spawn(const std::vector<std::string>& command, int output) {
  std::vector<char*> arguments;
  for (const std::string& word : command) arguments.push_back(const_cast<char*>(word.c_str()));
  arguments.push_back(nullptr);
  posix_spawn_file_actions_t actions;
  posix_spawn_file_actions_init(&actions);
  posix_spawn_file_actions_adddup2(&actions, output, STDOUT_FILENO);
  pid_t pid = 0;
  errno = ::posix_spawnp(&pid, arguments[0], &actions, nullptr, arguments.data(), environ);
  posix_spawn_file_actions_destroy(&actions);
  if (errno != 0) {
    return absl::FailedPreconditionError(absl::StrCat("cannot run ", command[0], ": ", std::strerror(errno),
                                                      ". Name a Python that has DSPy installed by --python"));
  }
  return pid;
}

std::string ReadAll(int input) {
  std::string text;
  std::array<char, 65536> buffer;
  while (true) {
    const ssize_t count = ::read(input, buffer.data(), buffer.size());
    if (count <= 0) return text;
    text.append(buffer.data(), static_cast<std::size_t>(count));
  }
}

}  // namespace

absl::StatusOr<std::string> RunPythonSide(const std::string& python, const std::vector<std::string>& arguments) {
  const absl::StatusOr<std::string> package = WritePackage();
  if (!package.ok()) return package.status();
  const absl::Cleanup remove = [&package] { ::unlink(package->c_str()); };
  std::array<int, 2> ends;
  if (::pipe2(ends.data(), O_CLOEXEC) != 0) return SystemError("make a pipe");
  std::vector<std::string> command = {Interpreter(python), *package};
  command.insert(command.end(), arguments.begin(), arguments.end());
  const absl::StatusOr<pid_t> pid = Spawn(command, ends[1]);
  ::close(ends[1]);
  const absl::Cleanup close = [&ends] { ::close(ends[0]); };
  if (!pid.ok()) return pid.status();
  std::string output = ReadAll(ends[0]);
  int status = 0;
  if (::waitpid(*pid, &status, 0) < 0) return SystemError("wait for Python");
  if (WIFEXITED(status) && WEXITSTATUS(status) == 0) return output;
  return absl::FailedPreconditionError(absl::StrCat(command[0], " could not do it; what it says stands above"));
}

}  // namespace cli
}  // namespace dspex
