#include "server/store/sqlite_connection.h"

#include <SQLiteCpp/SQLiteCpp.h>
#include <absl/strings/str_cat.h>
#include <sqlite3.h>

#include <utility>

#include "engine/base/error.h"
#include "engine/base/reasons.h"
#include "server/store/sqlite_schema.h"

namespace dspex {

namespace {

// How long a statement waits for another process that has the file (a backup, a person with the sqlite3 shell).
constexpr int kBusyTimeoutMs = 5000;

absl::Status Refuse(const std::string& path, absl::string_view message) {
  return Error(absl::StatusCode::kFailedPrecondition, reason::kStorage, absl::StrCat("The database ", path, message))
      .With("path", path);
}

int Pragma(SQLite::Database& db, const std::string& name) { return db.execAndGet("PRAGMA " + name).getInt(); }

// The schema's version; an error, with nothing written, if the database is not one that this server may use.
absl::StatusOr<int> CheckedVersion(SQLite::Database& db, const std::string& path, const SqliteSchema& schema) {
  const bool empty = db.execAndGet("SELECT count(*) FROM sqlite_schema").getInt() == 0;
  const int application_id = Pragma(db, "application_id");
  const int version = Pragma(db, "user_version");
  if (application_id != schema.application_id && !(empty && application_id == 0 && version == 0)) {
    return Refuse(path, " was made by another program. Give the server a data directory of its own (data_dir).");
  }
  if (version > schema.version()) {
    return Refuse(path, absl::StrCat(" has schema version ", version, ", and this server knows only up to ",
                                     schema.version(), ". Run the server that wrote it, or a newer one."));
  }
  return version;
}

void Migrate(SQLite::Database& db, int version, const SqliteSchema& schema) {
  for (int step = version; step < schema.version(); ++step) {
    // The pragmas are part of the transaction.
    SQLite::Transaction transaction(db);
    db.exec(schema.migrations[static_cast<std::size_t>(step)]);
    db.exec(absl::StrCat("PRAGMA application_id = ", schema.application_id, "; PRAGMA user_version = ", step + 1));
    transaction.commit();
  }
}

// What SQLite makes of ENOSPC, for its files and for the memory it shares between processes.
bool IsDiskFull(const SQLite::Exception& exception) {
  return exception.getErrorCode() == SQLITE_FULL || exception.getExtendedErrorCode() == SQLITE_IOERR_SHMSIZE;
}

}  // namespace

SqliteSchema ServerSchema() { return {kApplicationId, kMigrations}; }

absl::Status CatchSqlite(absl::FunctionRef<absl::Status()> body) {
  try {
    return body();
  } catch (const SQLite::Exception& exception) {
    if (IsDiskFull(exception)) {
      return Error(absl::StatusCode::kResourceExhausted, reason::kDiskFull,
                   "There is no room on the disk of the server's data directory, and nothing was written. Make room, "
                   "then try again.")
          .With("sqlite_code", exception.getExtendedErrorCode());
    }
    return Error(absl::StatusCode::kInternal, reason::kStorage,
                 absl::StrCat("The database failed: ", exception.what(),
                              ". Look at the disk and the files of the server's data directory."))
        .With("sqlite_code", exception.getExtendedErrorCode());
  }
}

absl::StatusOr<std::unique_ptr<SQLite::Database>> OpenForWriting(const std::string& path, const SqliteSchema& schema,
                                                                 bool syncs_commits) {
  std::unique_ptr<SQLite::Database> db;
  const absl::Status opened = CatchSqlite([&] {
    db = std::make_unique<SQLite::Database>(path, SQLite::OPEN_READWRITE | SQLite::OPEN_CREATE | SQLite::OPEN_NOMUTEX,
                                            kBusyTimeoutMs);
    const absl::StatusOr<int> version = CheckedVersion(*db, path, schema);
    if (!version.ok()) return version.status();
    if (db->execAndGet("PRAGMA journal_mode = WAL").getString() != "wal") {
      return Refuse(path, " cannot have a write-ahead log there. Put the data directory on a local file system.");
    }
    db->exec("PRAGMA foreign_keys = ON; PRAGMA journal_size_limit = 67108864");
    db->exec(syncs_commits ? "PRAGMA synchronous = FULL" : "PRAGMA synchronous = NORMAL");
    Migrate(*db, *version, schema);
    return absl::OkStatus();
  });
  if (!opened.ok()) return WithMetadata(opened, "path", path);
  return db;
}

absl::StatusOr<std::unique_ptr<SQLite::Database>> OpenForReading(const std::string& path) {
  std::unique_ptr<SQLite::Database> db;
  const absl::Status opened = CatchSqlite([&] {
    db = std::make_unique<SQLite::Database>(path, SQLite::OPEN_READONLY | SQLite::OPEN_NOMUTEX, kBusyTimeoutMs);
    return absl::OkStatus();
  });
  if (!opened.ok()) return opened;
  return db;
}

}  // namespace dspex
