#include "server/job/sqlite_job_store.h"

#include <SQLiteCpp/SQLiteCpp.h>
#include <absl/strings/str_cat.h>

#include <utility>

#include "server/job/job_signals.h"
#include "server/job/sqlite_job_operations.h"
#include "server/job/sqlite_job_parts.h"
#include "server/job/sqlite_job_rows.h"
#include "server/store/sqlite_request_log.h"
#include "server/store/sqlite_statement.h"

namespace dspex {

namespace {

// No tenant has a line break in its name, and no job an empty one.
std::string KeyOf(absl::string_view tenant, absl::string_view id) { return absl::StrCat(tenant, "\n", id); }

constexpr absl::string_view kQueuedKey = "";

class SqliteJobStore final : public JobStore {
 public:
  SqliteJobStore(SqliteDatabase& database, std::shared_ptr<ProgramChanges> changes, std::function<absl::Time()> now)
      : database_(database),
        now_(std::move(now)),
        signals_(std::make_shared<JobSignals>()),
        changes_(std::move(changes)) {}

  Task<v1::Job> Create(WriteRequest request, v1::Job job) override {
    Operation<v1::Job> operation = [request = std::move(request), job = std::move(job)](
                                       SQLite::Database& db, absl::Time now, JobEffects& effects) {
      return Once<v1::Job>(db, request, now, [&] { return CreateJobIn(db, request.tenant, job, now, effects); });
    };
    return Write(std::move(operation));
  }

  Task<v1::Job> Get(std::string tenant, std::string id) override {
    std::function<absl::StatusOr<v1::Job>(SQLite::Database&)> operation =
        [tenant = std::move(tenant), id = std::move(id)](SQLite::Database& db) -> absl::StatusOr<v1::Job> {
      const absl::StatusOr<JobRow> row = LoadJob(db, tenant, id);
      if (!row.ok()) return row.status();
      return ToMessage(db, *row);
    };
    return database_.Read<v1::Job>(std::move(operation));
  }

  Task<JobPage> List(std::string tenant, std::int64_t before, int limit) override {
    std::function<absl::StatusOr<JobPage>(SQLite::Database&)> operation = [tenant = std::move(tenant), before,
                                                                           limit](SQLite::Database& db) {
      return ListJobsIn(db, tenant, before, limit);
    };
    return database_.Read<JobPage>(std::move(operation));
  }

  Task<std::string> FindUserOf(std::string tenant, std::string dataset_id) override {
    std::function<absl::StatusOr<std::string>(SQLite::Database&)> operation =
        [tenant = std::move(tenant), dataset_id = std::move(dataset_id)](SQLite::Database& db) {
          return FindJobWithDatasetIn(db, tenant, dataset_id);
        };
    return database_.Read<std::string>(std::move(operation));
  }

  Task<v1::Job> RequestCancel(std::string tenant, std::string id) override {
    Operation<v1::Job> operation = [tenant = std::move(tenant), id = std::move(id)](
                                       SQLite::Database& db, absl::Time now, JobEffects& effects) {
      return RequestCancelIn(db, tenant, id, now, effects);
    };
    return Write(std::move(operation));
  }

  Task<v1::Job> Resume(std::string tenant, std::string id,
                       google::protobuf::RepeatedPtrField<v1::Budget> budgets) override {
    Operation<v1::Job> operation = [tenant = std::move(tenant), id = std::move(id), budgets = std::move(budgets)](
                                       SQLite::Database& db, absl::Time now, JobEffects& effects) {
      return ResumeJobIn(db, tenant, id, budgets, now, effects);
    };
    return Write(std::move(operation));
  }

  Task<std::optional<ClaimedJob>> Claim(std::string owner, absl::Duration lease) override {
    Operation<std::optional<ClaimedJob>> operation = [owner = std::move(owner), lease](
                                                         SQLite::Database& db, absl::Time now, JobEffects& effects) {
      return ClaimJobIn(db, owner, lease, now, effects);
    };
    return Write(std::move(operation));
  }

  StatusTask ExpireLeases() override {
    Operation<bool> operation = [](SQLite::Database& db, absl::Time, JobEffects& effects) -> absl::StatusOr<bool> {
      Execute(db, "UPDATE jobs SET lease_end = 0 WHERE state IN (1, 2, 3)");
      effects.queued = true;
      return true;
    };
    return StatusOf(std::move(operation));
  }

  StatusTask CheckProgress(JobClaim claim, std::int64_t journal_entries) override {
    const std::string id = claim.id;
    Operation<std::int64_t> operation = [claim = std::move(claim), journal_entries](
                                            SQLite::Database& db, absl::Time now, JobEffects& effects) {
      return CheckProgressIn(db, claim, journal_entries, now, effects);
    };
    const absl::StatusOr<std::int64_t> barren = co_await Write(std::move(operation));
    if (!barren.ok()) co_return barren.status();
    co_return *barren < kMaxBarrenResumes ? absl::OkStatus() : JobStuck(id, *barren);
  }

  Task<bool> Renew(JobClaim claim, absl::Duration lease) override {
    Operation<bool> operation = [claim = std::move(claim), lease](SQLite::Database& db, absl::Time now, JobEffects&) {
      return RenewJobIn(db, claim, lease, now);
    };
    return Write(std::move(operation));
  }

  StatusTask Release(JobClaim claim) override {
    Operation<bool> operation = [claim = std::move(claim)](SQLite::Database& db, absl::Time now,
                                                           JobEffects& effects) -> absl::StatusOr<bool> {
      if (absl::Status released = ReleaseJobIn(db, claim, now, effects); !released.ok()) return released;
      return true;
    };
    return StatusOf(std::move(operation));
  }

  StatusTask Update(JobClaim claim, JobUpdate update) override {
    Operation<bool> operation = [claim = std::move(claim), update = std::move(update)](
                                    SQLite::Database& db, absl::Time now,
                                    JobEffects& effects) mutable -> absl::StatusOr<bool> {
      absl::Status updated = UpdateJobIn(db, claim, std::move(update), now, effects);
      if (!updated.ok()) return updated;
      return true;
    };
    return StatusOf(std::move(operation));
  }

  Task<v1::Job> Finish(JobClaim claim, JobEnd end) override {
    Operation<v1::Job> operation = [claim = std::move(claim), end = std::move(end)](
                                       SQLite::Database& db, absl::Time now, JobEffects& effects) mutable {
      return FinishJobIn(db, claim, std::move(end), now, effects);
    };
    return Write(std::move(operation));
  }

  Task<BudgetAccount> DrawBudget(JobClaim claim, v1::BudgetLine line, BudgetAmount block,
                                 BudgetAmount settled) override {
    Operation<BudgetAccount> operation = [claim = std::move(claim), line, block, settled](SQLite::Database& db,
                                                                                          absl::Time, JobEffects&) {
      return DrawBudgetIn(db, claim, line, block, settled);
    };
    return Write(std::move(operation));
  }

  Task<BudgetAccount> SettleBudget(JobClaim claim, v1::BudgetLine line, BudgetAmount settled) override {
    Operation<BudgetAccount> operation = [claim = std::move(claim), line, settled](SQLite::Database& db, absl::Time,
                                                                                   JobEffects&) {
      return SettleBudgetIn(db, claim, line, settled);
    };
    return Write(std::move(operation));
  }

  Task<std::vector<BudgetAccount>> ReadBudgets(std::string tenant, std::string id) override {
    std::function<absl::StatusOr<std::vector<BudgetAccount>>(SQLite::Database&)> operation =
        [tenant = std::move(tenant), id = std::move(id)](SQLite::Database& db) {
          return ReadBudgetsIn(db, tenant, id);
        };
    return database_.Read<std::vector<BudgetAccount>>(std::move(operation));
  }

  Task<std::vector<v1::JobEvent>> ReadEvents(std::string tenant, std::string id, std::int64_t after,
                                             int limit) override {
    std::function<absl::StatusOr<std::vector<v1::JobEvent>>(SQLite::Database&)> operation =
        [tenant = std::move(tenant), id = std::move(id), after, limit](SQLite::Database& db) {
          return ReadJobEventsIn(db, tenant, id, after, limit);
        };
    return database_.Read<std::vector<v1::JobEvent>>(std::move(operation));
  }

  Task<CandidatePage> ReadCandidates(std::string tenant, std::string id, std::int64_t after, int limit) override {
    std::function<absl::StatusOr<CandidatePage>(SQLite::Database&)> operation =
        [tenant = std::move(tenant), id = std::move(id), after, limit](SQLite::Database& db) {
          return ReadCandidatesIn(db, tenant, id, after, limit);
        };
    return database_.Read<CandidatePage>(std::move(operation));
  }

  std::shared_ptr<Waiter> Changed(absl::string_view tenant, absl::string_view id,
                                  asio::any_io_executor executor) override {
    return signals_->Wait(KeyOf(tenant, id), std::move(executor));
  }

  std::shared_ptr<Waiter> Queued(asio::any_io_executor executor) override {
    return signals_->Wait(kQueuedKey, std::move(executor));
  }

 private:
  template <typename T>
  using Operation = std::function<absl::StatusOr<T>(SQLite::Database&, absl::Time now, JobEffects&)>;

  template <typename T>
  Task<T> Write(Operation<T> operation) {
    auto effects = std::make_shared<JobEffects>();
    std::function<void()> on_commit = [effects, signals = signals_, changes = changes_] {
      for (const JobEffects::Name& job : effects->changed) signals->Notify(KeyOf(job.tenant, job.id));
      if (effects->queued) signals->Notify(kQueuedKey);
      if (effects->program.has_value()) changes->Announce(effects->program->tenant, effects->program->id);
    };
    std::function<absl::StatusOr<T>(SQLite::Database&)> apply =
        [effects, now = now_, operation = std::move(operation)](SQLite::Database& db) {
          return operation(db, now(), *effects);
        };
    return database_.Write<T>(std::move(apply), std::move(on_commit));
  }

  StatusTask StatusOf(Operation<bool> operation) {
    const absl::StatusOr<bool> done = co_await Write(std::move(operation));
    co_return done.status();
  }

  SqliteDatabase& database_;
  const std::function<absl::Time()> now_;
  // Shared with queued writes, which may outlive the store.
  const std::shared_ptr<JobSignals> signals_;
  const std::shared_ptr<ProgramChanges> changes_;
};

}  // namespace

std::unique_ptr<JobStore> MakeSqliteJobStore(SqliteDatabase& database, std::shared_ptr<ProgramChanges> changes,
                                             std::function<absl::Time()> now) {
  return std::make_unique<SqliteJobStore>(database, std::move(changes), std::move(now));
}

}  // namespace dspex
