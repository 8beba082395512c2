#include "server/job/sqlite_job_parts.h"

#include <absl/strings/match.h>
#include <absl/strings/str_cat.h>

#include <algorithm>
#include <iterator>
#include <utility>

#include "engine/base/error.h"
#include "engine/base/reasons.h"
#include "server/job/sqlite_job_operations.h"
#include "server/job/sqlite_job_rows.h"
#include "server/store/page_limit.h"
#include "server/store/sqlite_statement.h"

namespace dspex {

namespace {

absl::Status Damaged(const JobRow& row, absl::string_view what) {
  return Error(absl::StatusCode::kInternal, reason::kStorage,
               absl::StrCat("The stored ", what, " of ", row.name(), " are damaged."))
      .With("job", row.name());
}

/// Whether the spec names a dataset, pinned to a version, whose name begins so.
bool NamesDataset(const v1::Job& spec, const std::string& prefix) {
  const v1::CompileSpec& compile = spec.compile();
  const v1::ExampleSet* const sets[] = {&spec.evaluate().examples(), &compile.trainset(), &compile.valset(),
                                        &compile.testset()};
  return std::any_of(std::begin(sets), std::end(sets),
                     [&prefix](const v1::ExampleSet* set) { return absl::StartsWith(set->dataset(), prefix); });
}

BudgetAmount ReadAmount(SQLite::Statement& row, int first) {
  return {Money::Picodollars(row.getColumn(first).getInt64()), row.getColumn(first + 1).getInt64(),
          row.getColumn(first + 2).getInt64()};
}

BudgetAccount ReadAccount(SQLite::Statement& row) {
  return {static_cast<v1::BudgetLine>(row.getColumn(0).getInt()), ReadAmount(row, 1), ReadAmount(row, 4)};
}

constexpr char kSelectBudgets[] =
    "SELECT line, drawn_cost, drawn_tokens, drawn_calls, settled_cost, settled_tokens, settled_calls "
    "FROM job_budgets WHERE job = ? AND (? < 0 OR line = ?) ORDER BY line";

BudgetAccount FindAccount(SQLite::Database& db, const JobRow& job, v1::BudgetLine line) {
  SQLite::Statement row = Query(db, kSelectBudgets, job.uid, std::int64_t{line}, std::int64_t{line});
  return row.executeStep() ? ReadAccount(row) : BudgetAccount{line, {}, {}};
}

void SaveAccount(SQLite::Database& db, const JobRow& job, const BudgetAccount& account) {
  Execute(db, "INSERT OR REPLACE INTO job_budgets VALUES (?, ?, ?, ?, ?, ?, ?, ?)", job.uid, std::int64_t{account.line},
          account.drawn.cost.picodollars(), account.drawn.tokens, account.drawn.lm_calls,
          account.settled.cost.picodollars(), account.settled.tokens, account.settled.lm_calls);
}

}  // namespace

absl::StatusOr<JobPage> ListJobsIn(SQLite::Database& db, const std::string& tenant, std::int64_t before, int limit) {
  JobPage page;
  PageLimit page_limit(limit);
  std::int64_t last = 0;
  SQLite::Statement rows = Query(db, "SELECT uid FROM jobs WHERE tenant = ? AND (? = 0 OR uid < ?) ORDER BY uid DESC",
                                 tenant, before, before);
  while (rows.executeStep()) {
    const absl::StatusOr<JobRow> row = LoadJob(db, rows.getColumn(0).getInt64());
    if (!row.ok()) return row.status();
    absl::StatusOr<v1::Job> job = ToMessage(db, *row);
    if (!job.ok()) return job.status();
    if (!page_limit.Take(job->ByteSizeLong())) {
      page.next = last;
      break;
    }
    last = row->uid;
    page.jobs.push_back(*std::move(job));
  }
  return page;
}

absl::StatusOr<std::string> FindJobWithDatasetIn(SQLite::Database& db, const std::string& tenant,
                                                 const std::string& dataset_id) {
  SQLite::Statement rows = Query(db, "SELECT uid FROM jobs WHERE state IN (1, 2, 3) AND tenant = ?", tenant);
  while (rows.executeStep()) {
    const absl::StatusOr<JobRow> row = LoadJob(db, rows.getColumn(0).getInt64());
    if (!row.ok()) return row.status();
    const absl::StatusOr<v1::Job> spec = LoadSpec(db, *row);
    if (!spec.ok()) return spec.status();
    if (NamesDataset(*spec, absl::StrCat("datasets/", dataset_id, "@"))) return row->name();
  }
  return std::string();
}

absl::StatusOr<std::vector<v1::JobEvent>> ReadJobEventsIn(SQLite::Database& db, const std::string& tenant,
                                                          const std::string& id, std::int64_t after, int limit) {
  const absl::StatusOr<JobRow> job = LoadJob(db, tenant, id);
  if (!job.ok()) return job.status();
  std::vector<v1::JobEvent> events;
  PageLimit page_limit(limit);
  SQLite::Statement rows =
      Query(db, "SELECT event FROM job_events WHERE job = ? AND number > ? ORDER BY number", job->uid, after);
  while (rows.executeStep()) {
    const SQLite::Column bytes = rows.getColumn(0);
    if (!page_limit.Take(static_cast<std::size_t>(bytes.getBytes()))) break;
    if (!events.emplace_back().ParseFromArray(bytes.getBlob(), bytes.getBytes())) return Damaged(*job, "events");
  }
  return events;
}

absl::StatusOr<CandidatePage> ReadCandidatesIn(SQLite::Database& db, const std::string& tenant, const std::string& id,
                                               std::int64_t after, int limit) {
  const absl::StatusOr<JobRow> job = LoadJob(db, tenant, id);
  if (!job.ok()) return job.status();
  CandidatePage page;
  PageLimit page_limit(limit);
  SQLite::Statement rows =
      Query(db, "SELECT candidate FROM job_candidates WHERE job = ? AND number > ? ORDER BY number", job->uid, after);
  while (rows.executeStep()) {
    const SQLite::Column bytes = rows.getColumn(0);
    if (!page_limit.Take(static_cast<std::size_t>(bytes.getBytes()))) {
      page.more = true;
      break;
    }
    v1::Candidate& candidate = page.candidates.emplace_back();
    if (!candidate.ParseFromArray(bytes.getBlob(), bytes.getBytes())) return Damaged(*job, "candidates");
  }
  return page;
}

absl::StatusOr<BudgetAccount> DrawBudgetIn(SQLite::Database& db, const JobClaim& claim, v1::BudgetLine line,
                                           const BudgetAmount& block, const BudgetAmount& settled) {
  const absl::StatusOr<JobRow> job = LoadClaimed(db, claim);
  if (!job.ok()) return job.status();
  BudgetAccount account = FindAccount(db, *job, line);
  account.drawn.cost += block.cost;
  account.drawn.tokens += block.tokens;
  account.drawn.lm_calls += block.lm_calls;
  account.settled = settled;
  SaveAccount(db, *job, account);
  return account;
}

absl::StatusOr<BudgetAccount> SettleBudgetIn(SQLite::Database& db, const JobClaim& claim, v1::BudgetLine line,
                                             const BudgetAmount& settled) {
  const absl::StatusOr<JobRow> job = LoadClaimed(db, claim);
  if (!job.ok()) return job.status();
  const BudgetAccount account{line, settled, settled};
  SaveAccount(db, *job, account);
  return account;
}

absl::StatusOr<std::vector<BudgetAccount>> ReadBudgetsIn(SQLite::Database& db, const std::string& tenant,
                                                         const std::string& id) {
  const absl::StatusOr<JobRow> job = LoadJob(db, tenant, id);
  if (!job.ok()) return job.status();
  std::vector<BudgetAccount> accounts;
  SQLite::Statement rows = Query(db, kSelectBudgets, job->uid, std::int64_t{-1}, std::int64_t{-1});
  while (rows.executeStep()) accounts.push_back(ReadAccount(rows));
  return accounts;
}

}  // namespace dspex
