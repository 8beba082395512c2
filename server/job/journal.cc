#include "server/job/journal.h"

#include <SQLiteCpp/SQLiteCpp.h>
#include <absl/strings/str_cat.h>

#include <utility>

#include "engine/base/error.h"
#include "engine/base/reasons.h"
#include "server/job/lm_answer_codec.h"
#include "server/store/page_limit.h"
#include "server/store/sqlite_statement.h"

namespace dspex {

namespace {

// As in server/store/sqlite_schema.h: a step that was released is never changed.
constexpr const char* kJournalMigrations[] = {
    R"sql(
CREATE TABLE answers (
  job        TEXT NOT NULL,
  lane       TEXT NOT NULL,
  digest     BLOB NOT NULL,
  occurrence INTEGER NOT NULL,
  answer     BLOB NOT NULL   -- journal.v1.Answer
) STRICT;

CREATE UNIQUE INDEX answers_by_key ON answers (job, lane, digest, occurrence);

CREATE TABLE results (
  job        TEXT NOT NULL,
  run        TEXT NOT NULL,
  example    INTEGER NOT NULL,
  score      REAL NOT NULL,
  failed     INTEGER NOT NULL,
  result     BLOB NOT NULL   -- v1::ExampleResult
) STRICT;

CREATE UNIQUE INDEX results_by_key ON results (job, run, example);
)sql",
};

// "dspj".
constexpr int kJournalApplicationId = 0x6473706a;

// What is refused here was paid for: who holds a slot until its answer is kept must find room.
constexpr std::size_t kMaxQueuedWrites = std::size_t{1} << 16;
constexpr std::size_t kMaxGroup = 1024;

constexpr int kRowsOfADelete = 1000;

absl::Status Damaged(absl::string_view what) {
  return Error(absl::StatusCode::kInternal, reason::kStorage,
               absl::StrCat("The journal has ", what, " that is damaged. Look at the disk."));
}

absl::StatusOr<LmAnswer> ReadAnswer(const SQLite::Column& column) {
  std::optional<LmAnswer> answer =
      DecodeAnswer({static_cast<const char*>(column.getBlob()), static_cast<std::size_t>(column.getBytes())});
  // Not the answer's own status: this one says that there is none.
  if (!answer.has_value()) return Damaged("an answer");
  return absl::StatusOr<LmAnswer>(absl::in_place, *std::move(answer));
}

absl::StatusOr<v1::ExampleResult> ReadResult(const SQLite::Column& column) {
  v1::ExampleResult result;
  if (!result.ParseFromArray(column.getBlob(), column.getBytes())) return Damaged("a result");
  return result;
}

StatusTask Append(SqliteDatabase& database, std::function<absl::StatusOr<int>(SQLite::Database&)> operation) {
  const absl::StatusOr<int> appended = co_await database.Write<int>(std::move(operation), nullptr);
  co_return appended.status();
}

}  // namespace

absl::StatusOr<std::unique_ptr<Journal>> Journal::Open(const std::string& directory, BlockingPool& pool) {
  absl::StatusOr<std::unique_ptr<SqliteDatabase>> database =
      SqliteDatabase::Open({.directory = directory,
                            .file = "journal.db",
                            .schema = {kJournalApplicationId, kJournalMigrations},
                            .locks_directory = false,
                            .syncs_commits = false,
                            .max_queued_writes = kMaxQueuedWrites,
                            .max_group = kMaxGroup},
                           pool);
  if (!database.ok()) return database.status();
  return std::unique_ptr<Journal>(new Journal(*std::move(database)));
}

StatusTask Journal::AppendAnswer(std::string job, std::string lane, std::string digest, int occurrence,
                                 LmAnswer answer) {
  return Append(*database_, [job = std::move(job), lane = std::move(lane), digest = std::move(digest), occurrence,
                             bytes = EncodeAnswer(answer)](SQLite::Database& db) {
    return Execute(db, "INSERT OR REPLACE INTO answers (job, lane, digest, occurrence, answer) VALUES (?, ?, ?, ?, ?)",
                   job, lane, Blob{digest}, std::int64_t{occurrence}, Blob{bytes});
  });
}

StatusTask Journal::AppendResult(std::string job, std::string run, std::int64_t index, v1::ExampleResult result) {
  return Append(*database_, [job = std::move(job), run = std::move(run), index, score = result.score(),
                             failed = result.has_error(), bytes = result.SerializeAsString()](SQLite::Database& db) {
    SQLite::Statement insert(db,
                             "INSERT OR REPLACE INTO results (job, run, example, score, failed, result) "
                             "VALUES (?, ?, ?, ?, ?, ?)");
    BindOne(insert, 1, job);
    BindOne(insert, 2, run);
    BindOne(insert, 3, index);
    insert.bind(4, score);
    BindOne(insert, 5, std::int64_t{failed});
    BindOne(insert, 6, Blob{bytes});
    return insert.exec();
  });
}

Task<std::vector<JournalAnswer>> Journal::ReadLane(std::string job, std::string lane) {
  std::function<absl::StatusOr<std::vector<JournalAnswer>>(SQLite::Database&)> operation =
      [job = std::move(job),
       lane = std::move(lane)](SQLite::Database& db) -> absl::StatusOr<std::vector<JournalAnswer>> {
    std::vector<JournalAnswer> answers;
    SQLite::Statement rows = Query(
        db, "SELECT digest, occurrence, answer FROM answers WHERE job = ? AND lane = ? ORDER BY rowid", job, lane);
    while (rows.executeStep()) {
      absl::StatusOr<LmAnswer> answer = ReadAnswer(rows.getColumn(2));
      if (!answer.ok()) return answer.status();
      answers.push_back({rows.getColumn(0).getString(), rows.getColumn(1).getInt(), *std::move(answer)});
    }
    return answers;
  };
  return database_->Read<std::vector<JournalAnswer>>(std::move(operation));
}

Task<std::vector<JournalScore>> Journal::ReadScores(std::string job, std::string run, std::int64_t first,
                                                    std::int64_t last) {
  std::function<absl::StatusOr<std::vector<JournalScore>>(SQLite::Database&)> operation = [job = std::move(job),
                                                                                           run = std::move(run), first,
                                                                                           last](SQLite::Database& db) {
    std::vector<JournalScore> scores;
    SQLite::Statement rows = Query(db,
                                   "SELECT example, score, failed FROM results "
                                   "WHERE job = ? AND run = ? AND example BETWEEN ? AND ? ORDER BY example",
                                   job, run, first, last);
    while (rows.executeStep()) {
      scores.push_back({rows.getColumn(0).getInt64(), rows.getColumn(1).getDouble(), rows.getColumn(2).getInt() != 0});
    }
    return scores;
  };
  return database_->Read<std::vector<JournalScore>>(std::move(operation));
}

Task<ExampleResultPage> Journal::ReadResults(std::string job, std::string run, std::int64_t after, int limit) {
  std::function<absl::StatusOr<ExampleResultPage>(SQLite::Database&)> operation =
      [job = std::move(job), run = std::move(run), after,
       limit](SQLite::Database& db) -> absl::StatusOr<ExampleResultPage> {
    ExampleResultPage page;
    PageLimit page_limit(limit);
    SQLite::Statement rows =
        Query(db, "SELECT example, result FROM results WHERE job = ? AND run = ? AND example > ? ORDER BY example", job,
              run, after);
    while (rows.executeStep()) {
      if (!page_limit.Take(static_cast<std::size_t>(rows.getColumn(1).getBytes()))) {
        page.more = true;
        break;
      }
      absl::StatusOr<v1::ExampleResult> result = ReadResult(rows.getColumn(1));
      if (!result.ok()) return result.status();
      page.results.push_back(*std::move(result));
      page.last = rows.getColumn(0).getInt64();
    }
    return page;
  };
  return database_->Read<ExampleResultPage>(std::move(operation));
}

Task<std::vector<std::string>> Journal::JobsWithAnswers() {
  std::function<absl::StatusOr<std::vector<std::string>>(SQLite::Database&)> operation = [](SQLite::Database& db) {
    // From one to the next in the index, whatever is between.
    std::vector<std::string> jobs;
    std::string last;
    while (true) {
      SQLite::Statement next = Query(db, "SELECT min(job) FROM answers WHERE job > ?", last);
      next.executeStep();
      if (next.getColumn(0).isNull()) return jobs;
      last = next.getColumn(0).getString();
      jobs.push_back(last);
    }
  };
  return database_->Read<std::vector<std::string>>(std::move(operation));
}

Task<std::int64_t> Journal::Count(std::string job) {
  std::function<absl::StatusOr<std::int64_t>(SQLite::Database&)> operation =
      [job = std::move(job)](SQLite::Database& db) {
        SQLite::Statement count = Query(db,
                                        "SELECT (SELECT count(*) FROM answers WHERE job = ?) + "
                                        "(SELECT count(*) FROM results WHERE job = ?)",
                                        job, job);
        count.executeStep();
        return count.getColumn(0).getInt64();
      };
  return database_->Read<std::int64_t>(std::move(operation));
}

StatusTask Journal::Sync() { return database_->Sync(); }

StatusTask Journal::DeleteAnswers(std::string job) {
  while (true) {
    // One step at a time: those who append meanwhile do not wait for all of it.
    std::function<absl::StatusOr<int>(SQLite::Database&)> step = [job](SQLite::Database& db) {
      return Execute(db, "DELETE FROM answers WHERE rowid IN (SELECT rowid FROM answers WHERE job = ? LIMIT ?)", job,
                     std::int64_t{kRowsOfADelete});
    };
    const absl::StatusOr<int> deleted = co_await database_->Write<int>(std::move(step), nullptr);
    if (!deleted.ok()) co_return deleted.status();
    if (*deleted < kRowsOfADelete) co_return absl::OkStatus();
  }
}

}  // namespace dspex
