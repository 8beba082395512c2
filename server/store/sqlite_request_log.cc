#include "server/store/sqlite_request_log.h"

#include <absl/strings/str_cat.h>

#include <string>

#include "engine/base/error.h"
#include "engine/base/reasons.h"
#include "server/store/sqlite_statement.h"

namespace dspex {

absl::Status DamagedAnswer() {
  return Error(absl::StatusCode::kInternal, reason::kStorage, "A remembered answer in the database is damaged.");
}

absl::StatusOr<std::string> OnceSerialized(SQLite::Database& db, const WriteRequest& request, absl::Time now,
                                           absl::FunctionRef<absl::StatusOr<std::string>()> write) {
  const std::int64_t oldest = absl::ToUnixNanos(now - kRequestMemory);
  SQLite::Statement known =
      Query(db, "SELECT method, hash, response FROM requests WHERE tenant = ? AND request_id = ? AND time > ?",
            request.tenant, request.request_id, oldest);
  if (known.executeStep()) {
    if (known.getColumn(0).getString() != request.method || known.getColumn(1).getString() != request.hash) {
      return Error(absl::StatusCode::kAlreadyExists, reason::kRequestIdReused,
                   absl::StrCat("The request_id \"", request.request_id,
                                "\" was used for another request within the last day. Give each request its own."))
          .With("request_id", request.request_id);
    }
    return known.getColumn(2).getString();
  }
  absl::StatusOr<std::string> answer = write();
  if (!answer.ok()) return answer;
  Execute(db, "INSERT OR REPLACE INTO requests (tenant, request_id, method, hash, time, response) VALUES (?,?,?,?,?,?)",
          request.tenant, request.request_id, request.method, Blob{request.hash}, absl::ToUnixNanos(now),
          Blob{*answer});
  // Each write forgets a few old answers, so that they are gone without a job of their own.
  Execute(db, "DELETE FROM requests WHERE rowid IN (SELECT rowid FROM requests WHERE time <= ? ORDER BY time LIMIT 8)",
          oldest);
  return answer;
}

}  // namespace dspex
