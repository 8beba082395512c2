#include "server/store/sqlite_database.h"

#include <absl/strings/str_cat.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sqlite3.h>

#include <atomic>
#include <cstdlib>
#include <fstream>
#include <iterator>

#include "engine/base/error.h"
#include "engine/base/mutex.h"
#include "engine/base/reasons.h"
#include "server/store/sqlite_schema.h"
#include "server/store/sqlite_statement.h"
#include "server/store/store_testing.h"

namespace dspex {
namespace {

using ::testing::HasSubstr;

std::string FileContents(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

class SqliteDatabaseTest : public ::testing::Test {
 protected:
  absl::StatusOr<std::unique_ptr<SqliteDatabase>> Open(std::size_t max_queued_writes = 1024) {
    return SqliteDatabase::Open({.directory = folder_.path(), .max_queued_writes = max_queued_writes}, pool_);
  }

  // A database with a table of numbers.
  std::unique_ptr<SqliteDatabase> OpenWithTable(std::size_t max_queued_writes = 1024) {
    std::unique_ptr<SqliteDatabase> database = Open(max_queued_writes).value();
    database->WithWriterForTest([](SQLite::Database& db) { db.exec("CREATE TABLE numbers (number INTEGER)"); });
    return database;
  }

  static Task<int> Insert(SqliteDatabase& database, int number, absl::Status result = absl::OkStatus()) {
    std::function<absl::StatusOr<int>(SQLite::Database&)> operation =
        [number, result](SQLite::Database& db) -> absl::StatusOr<int> {
      Execute(db, "INSERT INTO numbers (number) VALUES (?)", std::int64_t{number});
      if (!result.ok()) return result;
      return number;
    };
    co_return co_await database.Write<int>(std::move(operation), nullptr);
  }

  absl::StatusOr<std::int64_t> Sum(SqliteDatabase& database) {
    return io_.Await(database.Read<std::int64_t>(
        [](SQLite::Database& db) { return db.execAndGet("SELECT total(number) FROM numbers").getInt64(); }));
  }

  // Keeps the writer busy, so that what is written meanwhile gathers, until the notification.
  std::future<absl::StatusOr<int>> Block(SqliteDatabase& database, std::shared_ptr<Notification> release) {
    auto started = std::make_shared<Notification>();
    auto blocked = io_.Start(database.Write<int>(
        [started, release](SQLite::Database&) {
          started->Notify();
          release->Wait();
          return 0;
        },
        nullptr));
    started->Wait();
    return blocked;
  }

  std::string DatabaseFile() const { return folder_.path() + "/dspex.db"; }

  TemporaryFolder folder_;
  // One thread: what was started before a later Await has queued its write by then.
  TestPool io_{1};
  BlockingPool pool_{{}};
};

TEST_F(SqliteDatabaseTest, SyncsEachCommitToAWriteAheadLog) {
  auto database = Open();
  ASSERT_TRUE(database.ok()) << database.status();
  (*database)->WithWriterForTest([](SQLite::Database& db) {
    EXPECT_EQ(db.execAndGet("PRAGMA journal_mode").getString(), "wal");
    EXPECT_EQ(db.execAndGet("PRAGMA synchronous").getInt(), 2);
    EXPECT_EQ(db.execAndGet("PRAGMA foreign_keys").getInt(), 1);
    EXPECT_EQ(db.execAndGet("PRAGMA application_id").getInt(), kApplicationId);
    EXPECT_EQ(db.execAndGet("PRAGMA user_version").getInt(), kSchemaVersion);
  });
}

TEST_F(SqliteDatabaseTest, ASecondDatabaseOfADirectoryMaySyncOnlyWhenAsked) {
  auto main = Open();
  ASSERT_TRUE(main.ok()) << main.status();
  auto second = SqliteDatabase::Open({.directory = folder_.path(),
                                      .file = "second.db",
                                      .schema = {7, ServerSchema().migrations},
                                      .locks_directory = false,
                                      .syncs_commits = false},
                                     pool_);
  ASSERT_TRUE(second.ok()) << second.status();
  const auto mode = [&] {
    return *io_.Await((*second)->Write<int>(
        [](SQLite::Database& db) { return db.execAndGet("PRAGMA synchronous").getInt(); }, nullptr));
  };
  EXPECT_EQ(mode(), 1);
  // One write that shares the commit of a sync.
  auto release = std::make_shared<Notification>();
  [[maybe_unused]] auto blocked = Block(**second, release);
  auto shared = io_.Start((*second)->Write<int>(
      [](SQLite::Database& db) { return db.execAndGet("PRAGMA synchronous").getInt(); }, nullptr));
  auto synced = io_.Start((*second)->Sync());
  io_.Settle();
  release->Notify();
  EXPECT_EQ(*shared.get(), 2);
  EXPECT_TRUE(synced.get().ok());
  EXPECT_EQ(mode(), 1);
  (*second)->WithWriterForTest([](SQLite::Database& db) {
    EXPECT_EQ(db.execAndGet("PRAGMA application_id").getInt(), 7);
    EXPECT_EQ(db.execAndGet("PRAGMA user_version").getInt(), kSchemaVersion);
  });
}

TEST_F(SqliteDatabaseTest, AFullDiskIsATypedErrorAndTheWriterGoesOn) {
  auto database = OpenWithTable();
  ASSERT_TRUE(io_.Await(Insert(*database, 1)).ok());
  const auto limit = [&](int more) {
    database->WithWriterForTest([&](SQLite::Database& db) {
      db.exec(absl::StrCat("PRAGMA max_page_count = ", db.execAndGet("PRAGMA page_count").getInt() + more));
    });
  };
  limit(0);
  const std::string large(100'000, 'x');
  const auto fill = [&] {
    return io_.Await(database->Write<int>(
        [&](SQLite::Database& db) { return Execute(db, "INSERT INTO numbers VALUES (?)", Blob{large}); }, nullptr));
  };
  const absl::Status full = fill().status();
  EXPECT_EQ(full.code(), absl::StatusCode::kResourceExhausted);
  EXPECT_EQ(ErrorReason(full), reason::kDiskFull);
  EXPECT_EQ(ErrorMetadata(full, "sqlite_code"), "13");
  EXPECT_EQ(*Sum(*database), 1);
  limit(100);
  EXPECT_TRUE(fill().ok());
}

TEST_F(SqliteDatabaseTest, ADatabaseOfEveryOlderVersionOpens) {
  for (int version = 1; version < kSchemaVersion; ++version) {
    const std::string file = absl::StrCat("v", version, ".db");
    SqliteSchema schema = ServerSchema();
    for (const std::size_t steps : {static_cast<std::size_t>(version), schema.migrations.size()}) {
      schema.migrations = ServerSchema().migrations.first(steps);
      const auto database = SqliteDatabase::Open({.directory = folder_.path(), .file = file, .schema = schema}, pool_);
      ASSERT_TRUE(database.ok()) << database.status();
      (*database)->WithWriterForTest([&](SQLite::Database& db) {
        EXPECT_EQ(db.execAndGet("PRAGMA user_version").getInt(), static_cast<int>(steps));
      });
    }
  }
}

TEST_F(SqliteDatabaseTest, AReadSeesEveryAnsweredWrite) {
  auto database = OpenWithTable();
  std::int64_t sum = 0;
  for (int i = 1; i <= 50; ++i) {
    ASSERT_TRUE(io_.Await(Insert(*database, i)).ok());
    sum += i;
    EXPECT_EQ(*Sum(*database), sum);
  }
}

TEST_F(SqliteDatabaseTest, WritesThatGatherShareACommit) {
  auto database = OpenWithTable();
  int commits = 0;
  database->WithWriterForTest([&](SQLite::Database& db) {
    sqlite3_commit_hook(db.getHandle(), [](void* count) { return ++*static_cast<int*>(count), 0; }, &commits);
  });
  auto release = std::make_shared<Notification>();
  [[maybe_unused]] auto blocked = Block(*database, release);
  std::vector<std::future<absl::StatusOr<int>>> writes;
  for (int i = 1; i <= 100; ++i) writes.push_back(io_.Start(Insert(*database, i)));
  io_.Settle();
  release->Notify();
  for (int i = 0; i < 100; ++i) EXPECT_EQ(*writes[static_cast<std::size_t>(i)].get(), i + 1);
  EXPECT_EQ(*Sum(*database), 5050);
  database->WithWriterForTest([](SQLite::Database& db) { sqlite3_commit_hook(db.getHandle(), nullptr, nullptr); });
  // One for the write that kept the writer busy, one for the hundred.
  EXPECT_EQ(commits, 2);
}

TEST_F(SqliteDatabaseTest, NobodyIsAnsweredBeforeTheCommit) {
  auto database = OpenWithTable();
  struct Commit {
    Notification begun, go_on;
  } commit;
  database->WithWriterForTest([&](SQLite::Database& db) {
    sqlite3_commit_hook(
        db.getHandle(),
        [](void* arg) {
          static_cast<Commit*>(arg)->begun.Notify();
          static_cast<Commit*>(arg)->go_on.Wait();
          return 0;
        },
        &commit);
  });
  std::atomic<bool> told{false};
  auto write = io_.Start(database->Write<int>([](SQLite::Database& db) { return Execute(db, "DELETE FROM numbers"); },
                                              [&told] { told = true; }));
  commit.begun.Wait();
  for (int i = 0; i < 20; ++i) io_.Settle();
  EXPECT_EQ(write.wait_for(std::chrono::seconds(0)), std::future_status::timeout);
  EXPECT_FALSE(told);
  commit.go_on.Notify();
  EXPECT_TRUE(write.get().ok());
  EXPECT_TRUE(told);
  database->WithWriterForTest([](SQLite::Database& db) { sqlite3_commit_hook(db.getHandle(), nullptr, nullptr); });
}

TEST_F(SqliteDatabaseTest, AFailedOperationIsUndoneAloneInItsGroup) {
  auto database = OpenWithTable();
  auto release = std::make_shared<Notification>();
  [[maybe_unused]] auto blocked = Block(*database, release);
  auto one = io_.Start(Insert(*database, 1));
  auto two = io_.Start(Insert(*database, 2, absl::NotFoundError("no")));
  auto three = io_.Start(database->Write<int>([](SQLite::Database& db) { return Execute(db, "INSERT INTO nowhere"); },
                                              [] { ADD_FAILURE() << "it did not succeed"; }));
  auto four = io_.Start(Insert(*database, 4));
  io_.Settle();
  release->Notify();
  EXPECT_TRUE(one.get().ok());
  EXPECT_EQ(two.get().status(), absl::NotFoundError("no"));
  const absl::Status failed = three.get().status();
  EXPECT_EQ(failed.code(), absl::StatusCode::kInternal);
  EXPECT_EQ(ErrorReason(failed), reason::kStorage);
  EXPECT_EQ(ErrorMetadata(failed, "sqlite_code"), "1");
  EXPECT_TRUE(four.get().ok());
  EXPECT_EQ(*Sum(*database), 5);
}

TEST_F(SqliteDatabaseTest, AFailedCommitFailsItsWholeGroupAndLeavesNothing) {
  auto database = OpenWithTable();
  database->WithWriterForTest(
      [](SQLite::Database& db) { sqlite3_commit_hook(db.getHandle(), [](void*) { return 1; }, nullptr); });
  auto release = std::make_shared<Notification>();
  [[maybe_unused]] auto blocked = Block(*database, release);
  auto one = io_.Start(Insert(*database, 1));
  // What this one was told depends on what else the group did, which is gone.
  auto two = io_.Start(Insert(*database, 2, absl::NotFoundError("no")));
  io_.Settle();
  release->Notify();
  for (auto* write : {&one, &two}) {
    const absl::Status failed = write->get().status();
    EXPECT_EQ(failed.code(), absl::StatusCode::kInternal);
    EXPECT_EQ(ErrorReason(failed), reason::kStorage);
  }
  EXPECT_EQ(*Sum(*database), 0);
  // The writer goes on.
  database->WithWriterForTest([](SQLite::Database& db) { sqlite3_commit_hook(db.getHandle(), nullptr, nullptr); });
  EXPECT_TRUE(io_.Await(Insert(*database, 3)).ok());
  EXPECT_EQ(*Sum(*database), 3);
}

TEST_F(SqliteDatabaseTest, RefusesWritesThatDoNotFitItsQueue) {
  auto database = OpenWithTable(2);
  auto release = std::make_shared<Notification>();
  [[maybe_unused]] auto blocked = Block(*database, release);
  std::vector<std::future<absl::StatusOr<int>>> writes;
  for (int i = 1; i <= 3; ++i) writes.push_back(io_.Start(Insert(*database, i)));
  const absl::Status refused = writes[2].get().status();
  EXPECT_EQ(refused.code(), absl::StatusCode::kResourceExhausted);
  EXPECT_EQ(ErrorReason(refused), reason::kOverloaded);
  release->Notify();
  EXPECT_TRUE(writes[0].get().ok());
  EXPECT_TRUE(writes[1].get().ok());
}

TEST_F(SqliteDatabaseTest, DoesWhatIsQueuedBeforeItCloses) {
  auto database = OpenWithTable();
  std::vector<std::future<absl::StatusOr<int>>> writes;
  for (int i = 1; i <= 20; ++i) writes.push_back(io_.Start(Insert(*database, i)));
  io_.Settle();
  database.reset();
  for (auto& write : writes) EXPECT_TRUE(write.get().ok());
  database = *Open();
  EXPECT_EQ(*Sum(*database), 210);
}

TEST_F(SqliteDatabaseTest, HoldsItsDirectoryAgainstASecondServer) {
  auto database = Open();
  ASSERT_TRUE(database.ok());
  const auto second = Open();
  EXPECT_EQ(second.status().code(), absl::StatusCode::kFailedPrecondition);
  EXPECT_EQ(ErrorReason(second.status()), reason::kStorage);
  EXPECT_EQ(ErrorMetadata(second.status(), "data_dir"), folder_.path());
  EXPECT_EQ(ErrorMetadata(second.status(), "pid"), absl::StrCat(getpid()));
  EXPECT_THAT(std::string(second.status().message()), HasSubstr("in use by another server"));
  // Another process, too.
  const std::string try_lock = absl::StrCat("flock --nonblock ", folder_.path(), "/lock true");
  EXPECT_NE(std::system(try_lock.c_str()), 0);
  database->reset();
  EXPECT_EQ(std::system(try_lock.c_str()), 0);
  EXPECT_TRUE(Open().ok());
}

TEST_F(SqliteDatabaseTest, SaysWhenItsDirectoryCannotBe) {
  std::ofstream(folder_.path() + "/file") << "x";
  const auto database = SqliteDatabase::Open({.directory = folder_.path() + "/file/data"}, pool_);
  EXPECT_EQ(database.status().code(), absl::StatusCode::kInternal);
  EXPECT_EQ(ErrorReason(database.status()), reason::kStorage);
  EXPECT_THAT(std::string(database.status().message()), HasSubstr("/file/data"));
}

TEST_F(SqliteDatabaseTest, RefusesANewerSchemaAndLeavesItAlone) {
  {
    ASSERT_TRUE(Open().ok());
  }
  {
    SQLite::Database db(DatabaseFile(), SQLite::OPEN_READWRITE);
    db.exec("PRAGMA user_version = 99");
  }
  const std::string before = FileContents(DatabaseFile());
  const auto database = Open();
  EXPECT_EQ(database.status().code(), absl::StatusCode::kFailedPrecondition);
  EXPECT_EQ(ErrorReason(database.status()), reason::kStorage);
  EXPECT_THAT(std::string(database.status().message()), HasSubstr("schema version 99"));
  EXPECT_EQ(FileContents(DatabaseFile()), before);
}

TEST_F(SqliteDatabaseTest, RefusesAnotherProgramsDatabaseAndLeavesItAlone) {
  {
    SQLite::Database db(DatabaseFile(), SQLite::OPEN_READWRITE | SQLite::OPEN_CREATE);
    db.exec("CREATE TABLE notes (text TEXT)");
  }
  const std::string before = FileContents(DatabaseFile());
  const auto database = Open();
  EXPECT_EQ(database.status().code(), absl::StatusCode::kFailedPrecondition);
  EXPECT_THAT(std::string(database.status().message()), HasSubstr("made by another program"));
  EXPECT_EQ(FileContents(DatabaseFile()), before);
}

TEST_F(SqliteDatabaseTest, SaysWhenTheFileIsNoDatabase) {
  std::ofstream(DatabaseFile()) << std::string(10'000, 'x');
  const auto database = Open();
  EXPECT_EQ(database.status().code(), absl::StatusCode::kInternal);
  EXPECT_EQ(ErrorReason(database.status()), reason::kStorage);
  EXPECT_EQ(ErrorMetadata(database.status(), "path"), DatabaseFile());
  EXPECT_THAT(std::string(database.status().message()), HasSubstr("not a database"));
}

TEST_F(SqliteDatabaseTest, SaysWhenPagesAreDamaged) {
  {
    auto database = OpenWithTable();
    database->WithWriterForTest([](SQLite::Database& db) {
      db.exec(
          "WITH RECURSIVE n (i) AS (VALUES (1) UNION ALL SELECT i + 1 FROM n WHERE i < 20000) "
          "INSERT INTO numbers SELECT i << 40 FROM n");
    });
  }
  const auto size = std::filesystem::file_size(DatabaseFile());
  {
    std::fstream file(DatabaseFile(), std::ios::in | std::ios::out | std::ios::binary);
    // The schema's pages stay, those of the table go.
    file.seekp(static_cast<std::streamoff>(size / 2));
    file << std::string(size - size / 2, '\x5a');
  }
  auto database = Open();
  ASSERT_TRUE(database.ok()) << database.status();
  const absl::Status read = Sum(**database).status();
  EXPECT_EQ(read.code(), absl::StatusCode::kInternal);
  EXPECT_EQ(ErrorReason(read), reason::kStorage);
  EXPECT_THAT(std::string(read.message()), HasSubstr("malformed"));
  const absl::Status write = io_.Await(Insert(**database, 1)).status();
  EXPECT_EQ(ErrorReason(write), reason::kStorage);
}

}  // namespace
}  // namespace dspex
