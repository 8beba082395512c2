#pragma once

#include <absl/functional/function_ref.h>
#include <absl/status/statusor.h>

#include <memory>
#include <string>

namespace SQLite {
class Database;
}

namespace dspex {

/// Runs `body`, which may throw SQLiteCpp's exceptions: they become INTERNAL / STORAGE_FAILED, metadata `sqlite_code`.
/// The one place where they are caught.
absl::Status CatchSqlite(absl::FunctionRef<absl::Status()> body);

/// Opens the database for writing, makes it if it is missing, and brings its schema to the newest version. WAL, a sync
/// for every commit, foreign keys. FAILED_PRECONDITION / STORAGE_FAILED for a file that another program or a newer
/// server wrote; INTERNAL / STORAGE_FAILED for one that is no database or damaged.
absl::StatusOr<std::unique_ptr<SQLite::Database>> OpenForWriting(const std::string& path);

/// Opens a database that OpenForWriting has opened, read-only.
absl::StatusOr<std::unique_ptr<SQLite::Database>> OpenForReading(const std::string& path);

}  // namespace dspex
