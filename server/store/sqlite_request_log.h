#pragma once

#include <absl/functional/function_ref.h>
#include <absl/status/statusor.h>
#include <absl/time/time.h>

#include <string>

#include "server/store/program_store.h"

namespace SQLite {
class Database;
}

namespace dspex {

/// How long an answer is remembered for its request_id.
inline constexpr absl::Duration kRequestMemory = absl::Hours(24);

/// Runs `write`, which returns a serialised answer, unless the request was answered before: then the answer is that
/// one. To be called in the transaction of the write. Errors are not remembered: a request that failed may be sent
/// again. Throws SQLite::Exception.
absl::StatusOr<std::string> OnceSerialized(SQLite::Database& db, const WriteRequest& request, absl::Time now,
                                           absl::FunctionRef<absl::StatusOr<std::string>()> write);

/// INTERNAL / STORAGE_FAILED: what is remembered cannot be read.
absl::Status DamagedAnswer();

/// The same for a message.
template <typename Message>
absl::StatusOr<Message> Once(SQLite::Database& db, const WriteRequest& request, absl::Time now,
                             absl::FunctionRef<absl::StatusOr<Message>()> write) {
  if (request.request_id.empty()) return write();
  const absl::StatusOr<std::string> bytes = OnceSerialized(db, request, now, [&]() -> absl::StatusOr<std::string> {
    const absl::StatusOr<Message> answer = write();
    if (!answer.ok()) return answer.status();
    return answer->SerializeAsString();
  });
  if (!bytes.ok()) return bytes.status();
  Message answer;
  if (!answer.ParseFromString(*bytes)) return DamagedAnswer();
  return answer;
}

}  // namespace dspex
