#pragma once

#include <absl/status/statusor.h>
#include <absl/time/time.h>

#include <cstdint>
#include <optional>
#include <string>

#include "server/job/job_store.h"

namespace SQLite {
class Database;
}

/// Jobs as rows of the database. What takes a database throws SQLite::Exception.
namespace dspex {

/// A row of `jobs`, but for what never changes and is large.
struct JobRow {
  std::int64_t uid = 0;
  std::string tenant;
  std::string id;
  v1::JobState state = v1::JOB_STATE_UNSPECIFIED;
  /// Progress, spending, error, result and stop_reason.
  v1::Job facts;
  absl::Time create_time;
  std::optional<absl::Time> start_time;
  std::optional<absl::Time> end_time;
  std::int64_t epoch = 0;
  std::string owner;
  absl::Time lease_end;
  bool cancel_requested = false;
  std::int64_t resumes = 0;
  std::int64_t last_event = 0;
  std::int64_t last_ordinal = 0;
  std::int64_t progress_mark = -1;
  std::int64_t barren_resumes = 0;

  /// "jobs/{id}".
  std::string name() const;
  /// Whether somebody runs it at that time.
  bool IsRun(absl::Time now) const;
};

/// Makes a QUEUED job with a new id.
absl::StatusOr<JobRow> InsertJob(SQLite::Database& db, const std::string& tenant, const v1::Job& spec, absl::Time now);

/// NOT_FOUND / JOB_NOT_FOUND.
absl::StatusOr<JobRow> LoadJob(SQLite::Database& db, const std::string& tenant, const std::string& id);

absl::StatusOr<JobRow> LoadJob(SQLite::Database& db, std::int64_t uid);

/// Writes what may change.
void SaveJob(SQLite::Database& db, const JobRow& row);

/// The spec of the job, as v1::Job with nothing else.
absl::StatusOr<v1::Job> LoadSpec(SQLite::Database& db, const JobRow& row);

void SaveSpec(SQLite::Database& db, const JobRow& row, const v1::Job& spec);

/// The job with all that the API tells of it.
absl::StatusOr<v1::Job> ToMessage(SQLite::Database& db, const JobRow& row);

/// Numbers the event and keeps it. The row is to be saved.
void AppendEvent(SQLite::Database& db, JobRow& row, absl::Time now, v1::JobEvent event);

/// Brings the job to the state, if that is legal, with an event. The row is to be saved.
absl::Status ChangeState(SQLite::Database& db, JobRow& row, absl::Time now, v1::JobState state);

/// Ends the job, if that is legal, and takes it from its owner; saves the row and appends the last event. Facts are
/// those of the end already.
absl::Status EndJob(SQLite::Database& db, JobRow& row, absl::Time now, v1::JobState state);

}  // namespace dspex
