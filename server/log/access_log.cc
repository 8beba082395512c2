#include "server/log/access_log.h"

#include <chrono>

#include "server/log/logger.h"

namespace dspex {

namespace {

double Milliseconds(Clock::duration duration) {
  // To the microsecond, so that lines stay short.
  const auto microseconds = std::chrono::duration_cast<std::chrono::microseconds>(duration);
  return static_cast<double>(microseconds.count()) / 1000.0;
}

// The names of gRPC's status codes, as its documentation spells them.
absl::string_view CodeName(int code) {
  static constexpr absl::string_view kNames[] = {
      "OK",        "CANCELLED",      "UNKNOWN",           "INVALID_ARGUMENT",   "DEADLINE_EXCEEDED",
      "NOT_FOUND", "ALREADY_EXISTS", "PERMISSION_DENIED", "RESOURCE_EXHAUSTED", "FAILED_PRECONDITION",
      "ABORTED",   "OUT_OF_RANGE",   "UNIMPLEMENTED",     "INTERNAL",           "UNAVAILABLE",
      "DATA_LOSS", "UNAUTHENTICATED"};
  return code >= 0 && code < static_cast<int>(std::size(kNames)) ? kNames[code] : "UNKNOWN";
}

}  // namespace

void AccessLog::Rpc(absl::string_view method, int code, absl::string_view reason, Clock::duration duration,
                    const RequestRecord& record) {
  if (!enabled_ || !logger_->enabled(LogLevel::kInfo)) return;
  logger_->Log(LogLevel::kInfo, "rpc",
               {{"method", method},
                {"code", CodeName(code)},
                {"reason", reason},
                {"request_id", record.request_id},
                {"duration_ms", Milliseconds(duration)},
                {"provider_ms", Milliseconds(record.ProviderTime())},
                {"queued_ms", Milliseconds(record.queued)},
                {"input_tokens", record.charged.input_tokens},
                {"output_tokens", record.charged.output_tokens}});
}

void AccessLog::Defect(absl::string_view method, absl::string_view request_id, absl::string_view cause) {
  logger_->Log(LogLevel::kError, "defect", {{"method", method}, {"request_id", request_id}, {"cause", cause}});
}

}  // namespace dspex
