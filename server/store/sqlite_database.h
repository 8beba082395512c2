#pragma once

#include <absl/base/thread_annotations.h>
#include <absl/functional/function_ref.h>

#include <boost/asio/this_coro.hpp>
#include <cstddef>
#include <deque>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "engine/base/mutex.h"
#include "engine/base/task.h"
#include "server/store/blocking_pool.h"
#include "server/store/data_lock.h"
#include "server/store/one_shot.h"
#include "server/store/sqlite_connection.h"

namespace SQLite {
class Database;
}

namespace dspex {

/// The server's embedded database: one writer thread that commits in groups, and readers on the blocking pool that see
/// what is committed. What the stores of SQLite are made of. Thread-safe.
///
/// A write is answered only when the commit that holds it has returned, and so survives the process and (unless the
/// options say otherwise) the machine.
/// While one commit waits for the disk the next writes gather; all that have gathered share the next commit.
///
/// Destruction does what is queued, answers it, and joins the writer. It must come before the destruction of the I/O
/// context whose coroutines wait.
class SqliteDatabase {
 public:
  struct Options {
    /// Made if it is missing; locked against a second server.
    std::string directory;
    /// The name of the file in it.
    std::string file = "dspex.db";
    SqliteSchema schema = ServerSchema();
    /// False for a further database in a directory that another one holds.
    bool locks_directory = true;
    /// False: an answered write survives the process, but the machine only after Sync.
    bool syncs_commits = true;
    /// Writes waiting; more are refused.
    std::size_t max_queued_writes = 1024;
    /// Writes that share one commit at most.
    std::size_t max_group = 256;
  };

  /// Blocks. The errors are DataLock's and OpenForWriting's. `pool` outlives the database.
  static absl::StatusOr<std::unique_ptr<SqliteDatabase>> Open(Options options, BlockingPool& pool);

  ~SqliteDatabase();
  SqliteDatabase(const SqliteDatabase&) = delete;
  SqliteDatabase& operator=(const SqliteDatabase&) = delete;

  /// Runs `operation` in a transaction on the writer thread. Its error undoes what it did, and nothing else. It may
  /// throw SQLiteCpp's exceptions, and must own what it uses. `on_commit` runs on the writer thread after the commit of
  /// an operation that succeeded, in the order of the operations and before any of their callers hears of it.
  ///
  /// SERVER_OVERLOADED if the queue is full. A cancelled caller gets kCancelled at once; its write may be done all the
  /// same.
  template <typename T>
  Task<T> Write(std::function<absl::StatusOr<T>(SQLite::Database&)> operation, std::function<void()> on_commit) {
    return Queue<T>(std::move(operation), std::move(on_commit), /*syncs=*/false);
  }

  /// Makes every write that was answered before survive the machine. For databases that do not sync their commits.
  StatusTask Sync();

  /// Runs `operation` on the blocking pool, in a read transaction of its own that sees every write answered before. It
  /// may throw SQLiteCpp's exceptions, and must own what it uses.
  template <typename T>
  Task<T> Read(std::function<absl::StatusOr<T>(SQLite::Database&)> operation) {
    // The readers, not the database: a call whose caller went away may run after the database was closed.
    std::function<absl::StatusOr<T>()> work = [readers = readers_,
                                               operation = std::move(operation)]() -> absl::StatusOr<T> {
      absl::StatusOr<T> result;
      const absl::Status status = readers->Run([&](SQLite::Database& db) {
        result = operation(db);
        return result.status();
      });
      if (!status.ok()) return status;
      return result;
    };
    co_return co_await pool_.Run<T>(std::move(work));
  }

  /// The same on this thread. For the start of the server, before anything waits for it.
  absl::Status ReadBlocking(absl::FunctionRef<absl::Status(SQLite::Database&)> operation);

  /// The database's file.
  const std::string& path() const { return path_; }

  /// Calls `hook` on the writer's connection before the writer starts on the next group. For tests: commit hooks.
  void WithWriterForTest(absl::FunctionRef<void(SQLite::Database&)> hook);

 private:
  struct Queued {
    /// Runs the operation; throws nothing.
    std::function<absl::Status(SQLite::Database&)> apply;
    std::function<void()> on_commit;
    /// Hands over the operation's result, or the error of its commit.
    std::function<void(const absl::Status& committed)> answer;
    /// Whether its commit is to be synced whatever the options say.
    bool syncs = false;
  };

  /// Connections for reading, opened when needed, one thread at a time each.
  class Readers {
   public:
    explicit Readers(std::string path);
    ~Readers();
    absl::Status Run(absl::FunctionRef<absl::Status(SQLite::Database&)> operation);

   private:
    const std::string path_;
    Mutex mutex_;
    std::vector<std::unique_ptr<SQLite::Database>> idle_ ABSL_GUARDED_BY(mutex_);
  };

  SqliteDatabase(Options options, BlockingPool& pool, std::optional<DataLock> lock, std::string path,
                 std::unique_ptr<SQLite::Database> writer);

  template <typename T>
  Task<T> Queue(std::function<absl::StatusOr<T>(SQLite::Database&)> operation, std::function<void()> on_commit,
                bool syncs) {
    auto answer = std::make_shared<OneShot<T>>(co_await asio::this_coro::executor);
    auto result = std::make_shared<absl::StatusOr<T>>();
    Queued queued;
    queued.syncs = syncs;
    queued.apply = [result, operation = std::move(operation)](SQLite::Database& db) {
      const absl::Status caught = CatchSqlite([&] {
        *result = operation(db);
        return absl::OkStatus();
      });
      if (!caught.ok()) *result = caught;
      return result->status();
    };
    queued.on_commit = std::move(on_commit);
    queued.answer = [answer, result](const absl::Status& committed) {
      // A failed commit overrides what the operation said.
      if (!committed.ok()) *result = committed;
      answer->Set(std::move(*result));
    };
    const absl::Status submitted = Submit(std::move(queued));
    if (!submitted.ok()) co_return submitted;
    co_return co_await OneShot<T>::Take(std::move(answer));
  }

  absl::Status Submit(Queued queued);
  void WriteLoop();
  std::vector<Queued> TakeGroup();
  void WriteGroup(std::vector<Queued>& group);
  absl::Status Commit(SQLite::Database& db, std::vector<Queued>& group, std::vector<bool>& succeeded);

  const Options options_;
  BlockingPool& pool_;
  const std::optional<DataLock> lock_;
  const std::string path_;
  const std::shared_ptr<Readers> readers_;

  /// The writer thread holds it while it writes a group.
  Mutex writer_mutex_;
  const std::unique_ptr<SQLite::Database> writer_ ABSL_PT_GUARDED_BY(writer_mutex_);

  Mutex mutex_;
  CondVar changed_;
  std::deque<Queued> queue_ ABSL_GUARDED_BY(mutex_);
  bool stops_ ABSL_GUARDED_BY(mutex_) = false;

  std::thread thread_;
};

}  // namespace dspex
