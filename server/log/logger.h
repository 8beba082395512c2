#pragma once

#include <absl/strings/string_view.h>

#include <initializer_list>
#include <memory>
#include <string>
#include <variant>

namespace dspex {

enum class LogLevel { kDebug, kInfo, kWarn, kError, kOff };

/// A member of a log line.
struct LogField {
  absl::string_view key;
  std::variant<absl::string_view, long long, double> value;
};

/// Writes JSON lines to standard error: {"time": ..., "level": ..., "msg": ..., fields...}. Lines are gathered and
/// written by a thread of its own within 100 ms, warnings and errors at once; if the reader of standard error stalls,
/// lines beyond a bound are dropped and counted, and nothing waits. Thread-safe.
class Logger {
 public:
  explicit Logger(LogLevel level, int fd = 2);
  /// Writes out what is left.
  ~Logger();

  bool enabled(LogLevel level) const { return level >= level_; }

  /// `message` is a constant text; what varies goes into fields. Never a prompt, a completion or a secret.
  void Log(LogLevel level, absl::string_view message, std::initializer_list<LogField> fields = {});

  /// Returns once what was logged before is written.
  void Flush();

 private:
  class Sink;
  const LogLevel level_;
  std::unique_ptr<Sink> sink_;
};

}  // namespace dspex
