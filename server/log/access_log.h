#pragma once

#include <absl/strings/string_view.h>

#include "engine/base/context.h"
#include "engine/base/task.h"

namespace dspex {

class Logger;

/// One log line for each RPC: method, code, reason, times and tokens; never the contents. Thread-safe.
class AccessLog {
 public:
  /// `logger` outlives this. Not `enabled`: only Defect writes.
  AccessLog(Logger* logger, bool enabled) : logger_(logger), enabled_(enabled) {}

  void Rpc(absl::string_view method, int code, absl::string_view reason, Clock::duration duration,
           const RequestRecord& record);

  /// An error that has no type: a defect of the server. `cause` is for the log alone.
  void Defect(absl::string_view method, absl::string_view request_id, absl::string_view cause);

 private:
  Logger* const logger_;
  const bool enabled_;
};

}  // namespace dspex
