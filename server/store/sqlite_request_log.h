#pragma once

#include <absl/functional/function_ref.h>
#include <absl/status/statusor.h>
#include <absl/time/time.h>

#include "server/store/program_store.h"

namespace SQLite {
class Database;
}

namespace dspex {

/// How long an answer is remembered for its request_id.
inline constexpr absl::Duration kRequestMemory = absl::Hours(24);

/// Runs `write` unless the request was answered before: then the answer is that one. To be called in the transaction of
/// the write. Errors are not remembered: a request that failed may be sent again. Throws SQLite::Exception.
absl::StatusOr<v1::Program> Once(SQLite::Database& db, const WriteRequest& request, absl::Time now,
                                 absl::FunctionRef<absl::StatusOr<v1::Program>()> write);

}  // namespace dspex
