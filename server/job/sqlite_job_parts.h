#pragma once

#include <absl/status/statusor.h>

#include <cstdint>
#include <string>
#include <vector>

#include "server/job/job_store.h"

namespace SQLite {
class Database;
}

/// Lists of jobs and of what belongs to them, and their budgets, as operations within a transaction. They throw
/// SQLite::Exception.
namespace dspex {

absl::StatusOr<JobPage> ListJobsIn(SQLite::Database& db, const std::string& tenant, std::int64_t before, int limit);

/// The name of a job that has not ended and whose spec names a version of the dataset, or empty.
absl::StatusOr<std::string> FindJobWithDatasetIn(SQLite::Database& db, const std::string& tenant,
                                                 const std::string& dataset_id);

absl::StatusOr<std::vector<v1::JobEvent>> ReadJobEventsIn(SQLite::Database& db, const std::string& tenant,
                                                          const std::string& id, std::int64_t after, int limit);

absl::StatusOr<CandidatePage> ReadCandidatesIn(SQLite::Database& db, const std::string& tenant, const std::string& id,
                                               std::int64_t after, int limit);

absl::StatusOr<BudgetAccount> DrawBudgetIn(SQLite::Database& db, const JobClaim& claim, v1::BudgetLine line,
                                           const BudgetAmount& block, const BudgetAmount& settled);

absl::StatusOr<BudgetAccount> SettleBudgetIn(SQLite::Database& db, const JobClaim& claim, v1::BudgetLine line,
                                             const BudgetAmount& settled);

absl::StatusOr<std::vector<BudgetAccount>> ReadBudgetsIn(SQLite::Database& db, const std::string& tenant,
                                                         const std::string& id);

}  // namespace dspex
