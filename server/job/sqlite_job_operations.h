#pragma once

#include <absl/status/statusor.h>
#include <absl/time/time.h>

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "server/job/job_store.h"
#include "server/job/sqlite_job_rows.h"

namespace SQLite {
class Database;
}

/// What JobStore does, as operations within a transaction. They throw SQLite::Exception.
namespace dspex {

/// What others are to hear of when the transaction is committed.
struct JobEffects {
  struct Name {
    std::string tenant;
    std::string id;
  };
  /// Jobs.
  std::vector<Name> changed;
  /// Whether a job waits to be run now.
  bool queued = false;
  std::optional<Name> program;
};

/// The row, if the claim still holds; ABORTED / JOB_LOST otherwise.
absl::StatusOr<JobRow> LoadClaimed(SQLite::Database& db, const JobClaim& claim);

absl::StatusOr<v1::Job> CreateJobIn(SQLite::Database& db, const std::string& tenant, const v1::Job& job, absl::Time now,
                                    JobEffects& effects);

absl::StatusOr<v1::Job> RequestCancelIn(SQLite::Database& db, const std::string& tenant, const std::string& id,
                                        absl::Time now, JobEffects& effects);

absl::StatusOr<v1::Job> ResumeJobIn(SQLite::Database& db, const std::string& tenant, const std::string& id,
                                    const google::protobuf::RepeatedPtrField<v1::Budget>& budgets, absl::Time now,
                                    JobEffects& effects);

absl::StatusOr<std::optional<ClaimedJob>> ClaimJobIn(SQLite::Database& db, const std::string& owner,
                                                     absl::Duration lease, absl::Time now, JobEffects& effects);

/// How many resumes in a row were barren. At kMaxBarrenResumes the job is FAILED.
absl::StatusOr<std::int64_t> CheckProgressIn(SQLite::Database& db, const JobClaim& claim, std::int64_t journal_entries,
                                             absl::Time now, JobEffects& effects);

/// FAILED_PRECONDITION / JOB_STUCK.
absl::Status JobStuck(const std::string& id, std::int64_t barren_resumes);

absl::StatusOr<bool> RenewJobIn(SQLite::Database& db, const JobClaim& claim, absl::Duration lease, absl::Time now);

absl::Status ReleaseJobIn(SQLite::Database& db, const JobClaim& claim, absl::Time now, JobEffects& effects);

absl::Status UpdateJobIn(SQLite::Database& db, const JobClaim& claim, JobUpdate update, absl::Time now,
                         JobEffects& effects);

absl::StatusOr<v1::Job> FinishJobIn(SQLite::Database& db, const JobClaim& claim, JobEnd end, absl::Time now,
                                    JobEffects& effects);

}  // namespace dspex
