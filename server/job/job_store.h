#pragma once

#include <absl/status/statusor.h>
#include <absl/strings/string_view.h>
#include <absl/time/time.h>
#include <google/protobuf/repeated_ptr_field.h>

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "dspex/v1/job.pb.h"
#include "engine/base/money.h"
#include "engine/base/task.h"
#include "engine/base/waiter.h"
#include "server/store/program_store.h"

namespace dspex {

/// The right to run a job: whoever claimed it last has it, and nobody else can write. A claim that somebody else has
/// followed is ABORTED / JOB_LOST with every write.
struct JobClaim {
  std::string tenant;
  /// The job's id, without "jobs/".
  std::string id;
  /// Greater with every claim, and with whatever else takes the job from its owner.
  std::int64_t epoch = 0;
};

struct ClaimedJob {
  JobClaim claim;
  v1::Job job;
};

/// Part of a list.
struct JobPage {
  std::vector<v1::Job> jobs;
  /// Where the next page begins (`before`); 0: there is none.
  std::int64_t next = 0;
};

struct CandidatePage {
  std::vector<v1::Candidate> candidates;
  /// Whether more follow.
  bool more = false;
};

/// An event that is not numbered yet. The store gives number and time.
struct NewJobEvent {
  v1::JobEvent event;
  /// Of what a job does again in the same order each time it is run (candidates, decisions): its place in that order,
  /// from 1. One that the job has already is dropped. 0: it happens once.
  std::int64_t ordinal = 0;
};

/// What the owner of a job writes down as it gets on; what is unset stays as it is. All of it or nothing.
struct JobUpdate {
  /// RUNNING or WAITING. A change becomes an event.
  std::optional<v1::JobState> state = std::nullopt;
  /// What a WAITING job waits for. Taken with `state` only, and becomes an event.
  google::rpc::Status waiting_for = {};
  std::optional<v1::JobProgress> progress = std::nullopt;
  std::optional<std::vector<v1::Spending>> spending = std::nullopt;
  /// Of this message: the result so far.
  std::optional<v1::Job> result = std::nullopt;
  /// Kept by their numbers; one of a number that is there takes its place.
  std::vector<v1::Candidate> candidates = {};
  std::vector<NewJobEvent> events = {};
};

/// The revision that a job ends with, made in the transaction that ends it.
struct ResultRevision {
  /// The program's id.
  std::string program;
  /// As in ProgramStore::Update: from the newest revision to the result.
  ProgramStore::Change change;
  /// This label moves to the new revision if it names `label_from` at that time. Empty: none does.
  std::string label = {};
  std::int64_t label_from = 0;
};

/// How a job ends.
struct JobEnd {
  /// SUCCEEDED, FAILED or CANCELLED.
  v1::JobState state = v1::JOB_STATE_SUCCEEDED;
  /// FAILED: why.
  google::rpc::Status error = {};
  v1::StopReason stop_reason = v1::STOP_REASON_UNSPECIFIED;
  /// What else is to be written, and the result; its `state` is not read. With `revision`, the store sets
  /// `compile_result.program` to the new revision's name, or, where the revision changed nothing, to that of the one it
  /// is; and if the label did not move because it names another revision by now, `compile_result.promotion` says so.
  JobUpdate last = {};
  std::optional<ResultRevision> revision = std::nullopt;
};

/// So much of a budget.
struct BudgetAmount {
  Money cost = {};
  std::int64_t tokens = 0;
  std::int64_t lm_calls = 0;

  bool operator==(const BudgetAmount&) const = default;
};

/// What a job has taken out of the budget of a line. `drawn` is never less than what was spent: of a job that was just
/// claimed it is what counts as spent.
struct BudgetAccount {
  v1::BudgetLine line = v1::BUDGET_LINE_UNSPECIFIED;
  BudgetAmount drawn;
  /// What was known to be spent when it was last told.
  BudgetAmount settled;
};

/// Keeps jobs, their events, candidates and budgets. Thread-safe.
///
/// Every id is one within a tenant. What is written is durable when the task ends. Each change of a job's state becomes
/// an event by itself, and so does its end. Events are numbered from 1 without gaps.
///
/// Errors: NOT_FOUND / JOB_NOT_FOUND, FAILED_PRECONDITION / JOB_STATE (a state that the job cannot go to), ABORTED /
/// JOB_LOST, and those of ProgramStore; RESOURCE_EXHAUSTED / DISK_FULL: nothing was written, and the claim stays. A
/// cancelled caller gets kCancelled; its write may be done all the same.
class JobStore {
 public:
  /// Resumes that find nothing new since the run before: with so many the job fails.
  static constexpr int kMaxBarrenResumes = 3;

  virtual ~JobStore() = default;

  /// Queues a job. Of `job` only the spec is taken.
  virtual Task<v1::Job> Create(WriteRequest request, v1::Job job) = 0;

  virtual Task<v1::Job> Get(std::string tenant, std::string id) = 0;

  /// Jobs, newest first; at most `limit`, and fewer where the page would become large. `before` is JobPage::next of the
  /// page before; 0: from the newest.
  virtual Task<JobPage> List(std::string tenant, std::int64_t before, int limit) = 0;

  /// The name of a job that needs a version of the dataset and has not ended; empty if there is none.
  virtual Task<std::string> FindUserOf(std::string tenant, std::string dataset_id) = 0;

  /// Wishes the job to end. One that nobody runs ends at once, its owner hears by Renew and Changed, and one that has
  /// ended stays as it is.
  virtual Task<v1::Job> RequestCancel(std::string tenant, std::string id) = 0;

  /// Queues a job that FAILED or was CANCELLED once more. Budgets that are given take the place of those in its spec.
  virtual Task<v1::Job> Resume(std::string tenant, std::string id,
                               google::protobuf::RepeatedPtrField<v1::Budget> budgets) = 0;

  /// Takes the oldest job that waits to be run or whose owner's lease has run out, of any tenant; nullopt if there is
  /// none. The job is RUNNING then. `owner` is for people.
  virtual Task<std::optional<ClaimedJob>> Claim(std::string owner, absl::Duration lease) = 0;

  /// Declares every lease run out: for the start of a server that alone has the database, whose jobs nobody runs.
  virtual StatusTask ExpireLeases() = 0;

  /// To be called after Claim, before anything is run, with how many entries the journal has for the job. Counts the
  /// resumes that found no more entries and ordinals than the run before. At kMaxBarrenResumes the job FAILED, with the
  /// error that is returned: FAILED_PRECONDITION / JOB_STUCK. A job that was released, or whose owner went away while
  /// it was WAITING, is not suspected.
  virtual StatusTask CheckProgress(JobClaim claim, std::int64_t journal_entries) = 0;

  /// Keeps the claim for another `lease` from now. Whether the job is to be cancelled.
  virtual Task<bool> Renew(JobClaim claim, absl::Duration lease) = 0;

  /// Gives the job back: QUEUED, or CANCELLED if that was wished.
  virtual StatusTask Release(JobClaim claim) = 0;

  virtual StatusTask Update(JobClaim claim, JobUpdate update) = 0;

  /// Ends the job, and makes its revision, in one transaction: both or neither. Returns the job. The errors of
  /// ProgramStore::Update leave the job as it is.
  virtual Task<v1::Job> Finish(JobClaim claim, JobEnd end) = 0;

  /// Adds `block` to what is drawn on the line, and notes what is spent of it so far. To be awaited before anything is
  /// sent on it, so that a kill can forfeit what is drawn and not spend it twice.
  virtual Task<BudgetAccount> DrawBudget(JobClaim claim, v1::BudgetLine line, BudgetAmount block,
                                         BudgetAmount settled) = 0;

  /// Gives back what is drawn beyond `settled`, when nothing is under way on the line any more.
  virtual Task<BudgetAccount> SettleBudget(JobClaim claim, v1::BudgetLine line, BudgetAmount settled) = 0;

  /// By line; those on which nothing was drawn are not there.
  virtual Task<std::vector<BudgetAccount>> ReadBudgets(std::string tenant, std::string id) = 0;

  /// Events with numbers above `after`, at most `limit`, and fewer where they are large; none if there are none yet.
  virtual Task<std::vector<v1::JobEvent>> ReadEvents(std::string tenant, std::string id, std::int64_t after,
                                                     int limit) = 0;

  /// By number; those above `after` (-1: all). Limits as in List.
  virtual Task<CandidatePage> ReadCandidates(std::string tenant, std::string id, std::int64_t after, int limit) = 0;

  /// Is woken by the next change of the job: events, its state, a wish to cancel it. Take it first, then read, then
  /// wait: no change is missed. `executor` is the waiting coroutine's.
  virtual std::shared_ptr<Waiter> Changed(absl::string_view tenant, absl::string_view id,
                                          asio::any_io_executor executor) = 0;

  /// The same for the next job that is QUEUED.
  virtual std::shared_ptr<Waiter> Queued(asio::any_io_executor executor) = 0;
};

/// NOT_FOUND / JOB_NOT_FOUND for "jobs/{id}".
absl::Status JobNotFound(absl::string_view id);

/// ABORTED / JOB_LOST for "jobs/{id}".
absl::Status JobLost(absl::string_view id);

}  // namespace dspex
