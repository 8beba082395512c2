#include "server/store/sqlite_database.h"

#include <SQLiteCpp/SQLiteCpp.h>
#include <absl/strings/str_cat.h>
#include <sqlite3.h>

#include <algorithm>
#include <iterator>

#include "server/store/sqlite_connection.h"

namespace dspex {

namespace {

bool InTransaction(SQLite::Database& db) { return sqlite3_get_autocommit(db.getHandle()) == 0; }

// Some errors (disk full, I/O) end the transaction by themselves.
void RollBackIfOpen(SQLite::Database& db) {
  if (InTransaction(db)) db.tryExec("ROLLBACK");
}

}  // namespace

absl::StatusOr<std::unique_ptr<SqliteDatabase>> SqliteDatabase::Open(Options options, BlockingPool& pool) {
  std::optional<DataLock> held;
  if (options.locks_directory) {
    absl::StatusOr<DataLock> lock = DataLock::Acquire(options.directory);
    if (!lock.ok()) return lock.status();
    held = *std::move(lock);
  }
  std::string path = absl::StrCat(options.directory, "/", options.file);
  absl::StatusOr<std::unique_ptr<SQLite::Database>> writer =
      OpenForWriting(path, options.schema, options.syncs_commits);
  if (!writer.ok()) return writer.status();
  return std::unique_ptr<SqliteDatabase>(
      new SqliteDatabase(std::move(options), pool, std::move(held), std::move(path), *std::move(writer)));
}

SqliteDatabase::SqliteDatabase(Options options, BlockingPool& pool, std::optional<DataLock> lock, std::string path,
                               std::unique_ptr<SQLite::Database> writer)
    : options_(std::move(options)),
      pool_(pool),
      lock_(std::move(lock)),
      path_(std::move(path)),
      readers_(std::make_shared<Readers>(path_)),
      writer_(std::move(writer)),
      thread_([this] { WriteLoop(); }) {}

SqliteDatabase::~SqliteDatabase() {
  {
    MutexLock lock(&mutex_);
    stops_ = true;
    changed_.NotifyAll();
  }
  thread_.join();
}

void SqliteDatabase::WithWriterForTest(absl::FunctionRef<void(SQLite::Database&)> hook) {
  MutexLock lock(&writer_mutex_);
  hook(*writer_);
}

absl::Status SqliteDatabase::Submit(Queued queued) {
  MutexLock lock(&mutex_);
  if (queue_.size() >= options_.max_queued_writes) return QueueFullError("writes", options_.max_queued_writes);
  queue_.push_back(std::move(queued));
  changed_.NotifyAll();
  return absl::OkStatus();
}

void SqliteDatabase::WriteLoop() {
  while (true) {
    std::vector<Queued> group = TakeGroup();
    if (group.empty()) return;
    WriteGroup(group);
  }
}

std::vector<SqliteDatabase::Queued> SqliteDatabase::TakeGroup() {
  MutexLock lock(&mutex_);
  while (queue_.empty() && !stops_) changed_.Wait(&mutex_);
  const auto size = static_cast<std::ptrdiff_t>(std::min(queue_.size(), options_.max_group));
  std::vector<Queued> group(std::make_move_iterator(queue_.begin()), std::make_move_iterator(queue_.begin() + size));
  queue_.erase(queue_.begin(), queue_.begin() + size);
  return group;
}

absl::Status SqliteDatabase::Commit(SQLite::Database& db, std::vector<Queued>& group, std::vector<bool>& succeeded) {
  return CatchSqlite([&] {
    db.exec("BEGIN IMMEDIATE");
    for (Queued& write : group) {
      db.exec("SAVEPOINT operation");
      const absl::Status status = write.apply(db);
      if (!InTransaction(db)) {
        // Lost, and with it what the group did so far.
        return status.ok() ? absl::InternalError("an operation ended the transaction of its group") : status;
      }
      if (!status.ok()) db.exec("ROLLBACK TO operation");
      db.exec("RELEASE operation");
      succeeded.push_back(status.ok());
    }
    db.exec("COMMIT");
    return absl::OkStatus();
  });
}

void SqliteDatabase::WriteGroup(std::vector<Queued>& group) {
  const bool syncs = !options_.syncs_commits &&
                     std::any_of(group.begin(), group.end(), [](const Queued& write) { return write.syncs; });
  std::vector<bool> succeeded;
  absl::Status committed;
  {
    MutexLock lock(&writer_mutex_);
    SQLite::Database& db = *writer_;
    // Within a transaction the pragma would do nothing.
    if (syncs) db.tryExec("PRAGMA synchronous = FULL");
    committed = Commit(db, group, succeeded);
    if (!committed.ok()) RollBackIfOpen(db);
    if (syncs) db.tryExec("PRAGMA synchronous = NORMAL");
  }
  for (std::size_t i = 0; committed.ok() && i < group.size(); ++i) {
    if (succeeded[i] && group[i].on_commit) group[i].on_commit();
  }
  for (const Queued& write : group) write.answer(committed);
}

StatusTask SqliteDatabase::Sync() {
  // A commit that wrote nothing is not synced, and one that did syncs all that stands before it in the log: so write
  // what is there already.
  std::function<absl::StatusOr<bool>(SQLite::Database&)> rewrite =
      [version = options_.schema.version()](SQLite::Database& db) {
        db.exec(absl::StrCat("PRAGMA user_version = ", version));
        return true;
      };
  const absl::StatusOr<bool> done = co_await Queue<bool>(std::move(rewrite), nullptr, /*syncs=*/true);
  co_return done.status();
}

SqliteDatabase::Readers::Readers(std::string path) : path_(std::move(path)) {}
SqliteDatabase::Readers::~Readers() = default;

absl::Status SqliteDatabase::Readers::Run(absl::FunctionRef<absl::Status(SQLite::Database&)> operation) {
  std::unique_ptr<SQLite::Database> db;
  {
    MutexLock lock(&mutex_);
    if (!idle_.empty()) {
      db = std::move(idle_.back());
      idle_.pop_back();
    }
  }
  if (db == nullptr) {
    absl::StatusOr<std::unique_ptr<SQLite::Database>> opened = OpenForReading(path_);
    if (!opened.ok()) return opened.status();
    db = *std::move(opened);
  }
  const absl::Status status = CatchSqlite([&] {
    // Several statements of one operation see one state.
    db->exec("BEGIN");
    const absl::Status result = operation(*db);
    db->exec("COMMIT");
    return result;
  });
  RollBackIfOpen(*db);
  MutexLock lock(&mutex_);
  idle_.push_back(std::move(db));
  return status;
}

absl::Status SqliteDatabase::ReadBlocking(absl::FunctionRef<absl::Status(SQLite::Database&)> operation) {
  return readers_->Run(operation);
}

}  // namespace dspex
