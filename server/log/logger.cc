#include "server/log/logger.h"

#include <absl/base/thread_annotations.h>
#include <absl/strings/str_cat.h>
#include <spdlog/logger.h>
#include <spdlog/pattern_formatter.h>
#include <spdlog/sinks/base_sink.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <cmath>
#include <thread>
#include <utility>

#include "engine/base/mutex.h"
#include "engine/base/task.h"
#include "engine/json/escape.h"

namespace dspex {

namespace {

constexpr std::size_t kMaxBuffered = std::size_t{4} << 20;
constexpr std::chrono::milliseconds kWriteInterval{100};
constexpr char kPattern[] = R"({"time":"%Y-%m-%dT%H:%M:%S.%eZ","level":"%l",%v})";

spdlog::level::level_enum ToSpdlog(LogLevel level) {
  switch (level) {
    case LogLevel::kDebug:
      return spdlog::level::debug;
    case LogLevel::kInfo:
      return spdlog::level::info;
    case LogLevel::kWarn:
      return spdlog::level::warn;
    case LogLevel::kError:
      return spdlog::level::err;
    case LogLevel::kOff:
      return spdlog::level::off;
  }
  return spdlog::level::off;
}

/// A spdlog sink that never makes the logging thread wait for the reader of the file: a thread of its own writes.
class BufferedSink final : public spdlog::sinks::sink {
 public:
  explicit BufferedSink(int fd)
      : fd_(fd), formatter_(std::make_unique<spdlog::pattern_formatter>(kPattern, spdlog::pattern_time_type::utc)) {
    writer_ = std::thread([this] { WriteLoop(); });
  }

  ~BufferedSink() override {
    {
      MutexLock lock(&mutex_);
      stop_ = true;
      changed_.NotifyAll();
    }
    writer_.join();
  }

  void log(const spdlog::details::log_msg& message) override {
    MutexLock lock(&mutex_);
    if (buffer_.size() > kMaxBuffered) {
      ++dropped_;
      return;
    }
    line_.clear();
    formatter_->format(message, line_);
    if (message.level >= spdlog::level::warn) urgent_ = true;
    if (buffer_.empty() || urgent_) changed_.NotifyAll();
    buffer_.append(line_.data(), line_.size());
  }

  void flush() override {
    MutexLock lock(&mutex_);
    urgent_ = true;
    changed_.NotifyAll();
    while (!buffer_.empty() || writing_) changed_.Wait(&mutex_);
  }

  void set_pattern(const std::string&) override {}
  void set_formatter(std::unique_ptr<spdlog::formatter>) override {}

 private:
  void WriteLoop() {
    std::string out;
    for (bool stop = false; !stop;) {
      {
        MutexLock lock(&mutex_);
        while (buffer_.empty() && !stop_) changed_.Wait(&mutex_);
        // Lines that follow soon go out in the same write.
        const TimePoint deadline = Clock::now() + kWriteInterval;
        while (!urgent_ && !stop_ && changed_.WaitUntil(&mutex_, deadline)) {
        }
        stop = stop_;
        urgent_ = false;
        writing_ = true;
        out.clear();
        std::swap(out, buffer_);
        if (dropped_ > 0) {
          absl::StrAppend(&out, R"({"level":"warning","msg":"log lines dropped","lines":)", std::exchange(dropped_, 0),
                          "}\n");
        }
      }
      Write(out);
      MutexLock lock(&mutex_);
      writing_ = false;
      changed_.NotifyAll();
    }
  }

  void Write(absl::string_view text) {
    while (!text.empty()) {
      const ssize_t written = ::write(fd_, text.data(), text.size());
      if (written < 0 && errno == EINTR) continue;
      if (written <= 0) return;  // Nobody reads; there is nowhere to say so.
      text.remove_prefix(static_cast<std::size_t>(written));
    }
  }

  const int fd_;
  Mutex mutex_;
  CondVar changed_;
  std::unique_ptr<spdlog::formatter> formatter_ ABSL_GUARDED_BY(mutex_);
  spdlog::memory_buf_t line_ ABSL_GUARDED_BY(mutex_);
  std::string buffer_ ABSL_GUARDED_BY(mutex_);
  long long dropped_ ABSL_GUARDED_BY(mutex_) = 0;
  bool urgent_ ABSL_GUARDED_BY(mutex_) = false;
  bool writing_ ABSL_GUARDED_BY(mutex_) = false;
  bool stop_ ABSL_GUARDED_BY(mutex_) = false;
  std::thread writer_;
};

void AppendField(std::string& line, const LogField& field) {
  line.push_back(',');
  AppendJsonString(line, field.key);
  line.push_back(':');
  if (const auto* text = std::get_if<absl::string_view>(&field.value)) {
    AppendJsonString(line, *text);
  } else if (const auto* integer = std::get_if<long long>(&field.value)) {
    absl::StrAppend(&line, *integer);
  } else {
    const double number = std::get<double>(field.value);
    absl::StrAppend(&line, std::isfinite(number) ? number : 0.0);
  }
}

}  // namespace

class Logger::Sink {
 public:
  explicit Sink(int fd) : sink_(std::make_shared<BufferedSink>(fd)), logger_("dspex", sink_) {
    logger_.set_level(spdlog::level::trace);
  }
  spdlog::logger& logger() { return logger_; }

 private:
  std::shared_ptr<BufferedSink> sink_;
  spdlog::logger logger_;
};

Logger::Logger(LogLevel level, int fd) : level_(level), sink_(std::make_unique<Sink>(fd)) {}
Logger::~Logger() = default;

void Logger::Log(LogLevel level, absl::string_view message, std::initializer_list<LogField> fields) {
  if (!enabled(level)) return;
  std::string line;
  line.reserve(256);
  line = R"("msg":)";
  AppendJsonString(line, message);
  for (const LogField& field : fields) AppendField(line, field);
  sink_->logger().log(ToSpdlog(level), spdlog::string_view_t(line.data(), line.size()));
}

void Logger::Flush() { sink_->logger().flush(); }

}  // namespace dspex
