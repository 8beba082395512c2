#pragma once

#include <absl/functional/function_ref.h>
#include <absl/status/statusor.h>
#include <absl/types/span.h>

#include <memory>
#include <string>

namespace SQLite {
class Database;
}

namespace dspex {

/// What a database file is to be.
struct SqliteSchema {
  /// Marks the file as ours.
  int application_id = 0;
  /// The steps that lead from an empty database to the newest schema. Step i leads from version i (PRAGMA user_version)
  /// to i + 1.
  absl::Span<const char* const> migrations;

  int version() const { return static_cast<int>(migrations.size()); }
};

/// That of the server's main database.
SqliteSchema ServerSchema();

/// Runs `body`, which may throw SQLiteCpp's exceptions: they become RESOURCE_EXHAUSTED / DISK_FULL or INTERNAL /
/// STORAGE_FAILED, metadata `sqlite_code`. The one place where they are caught.
absl::Status CatchSqlite(absl::FunctionRef<absl::Status()> body);

/// Opens the database for writing, makes it if it is missing, and brings its schema to the newest version. WAL, a sync
/// for every commit or, without `syncs_commits`, only where the log is written back; foreign keys. FAILED_PRECONDITION
/// / STORAGE_FAILED for a file that another program or a newer server wrote; INTERNAL / STORAGE_FAILED for one that is
/// no database or damaged.
absl::StatusOr<std::unique_ptr<SQLite::Database>> OpenForWriting(const std::string& path, const SqliteSchema& schema,
                                                                 bool syncs_commits);

/// Opens a database that OpenForWriting has opened, read-only.
absl::StatusOr<std::unique_ptr<SQLite::Database>> OpenForReading(const std::string& path);

}  // namespace dspex
