#include "server/job/sqlite_job_store.h"

#include <SQLiteCpp/SQLiteCpp.h>
#include <absl/strings/str_cat.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <set>
#include <thread>

#include "engine/base/error.h"
#include "engine/base/reasons.h"
#include "server/store/sqlite_program_store.h"
#include "server/store/store_testing.h"

namespace dspex {
namespace {

using ::testing::ElementsAre;

constexpr absl::Duration kLease = absl::Seconds(30);

v1::Job CompileJob(const std::string& program = "programs/qa@1") {
  v1::Job job;
  job.mutable_compile()->set_program(program);
  return job;
}

NewJobEvent Decided(const std::string& example, std::int64_t ordinal) {
  NewJobEvent event;
  event.event.mutable_decision()->set_example(example);
  event.ordinal = ordinal;
  return event;
}

JobUpdate ToState(v1::JobState state, const std::string& waiting_for = "") {
  JobUpdate update;
  update.state = state;
  update.waiting_for.set_message(waiting_for);
  return update;
}

// An event in a word.
std::string Kind(const v1::JobEvent& event) {
  if (event.has_state()) return v1::JobState_Name(event.state()).substr(10);
  if (event.has_decision()) return event.decision().example();
  if (event.has_waiting()) return absl::StrCat("waiting: ", event.waiting().message());
  if (event.has_ended()) return absl::StrCat("ended ", v1::JobState_Name(event.ended().state()).substr(10));
  return "?";
}

class SqliteJobStoreTest : public ::testing::Test {
 protected:
  SqliteJobStoreTest() { Open(); }

  // What a killed server does: nothing is finished, and the next one finds the file.
  void Open() {
    jobs_.reset();
    programs_.reset();
    database_.reset();
    database_ = SqliteDatabase::Open({.directory = folder_.path()}, pool_).value();
    const auto changes = std::make_shared<ProgramChanges>();
    const auto now = [this] { return absl::FromUnixNanos(now_.load()); };
    programs_ = MakeSqliteProgramStore(*database_, now, changes);
    jobs_ = MakeSqliteJobStore(*database_, changes, now);
  }

  void Pass(absl::Duration time) { now_ += absl::ToInt64Nanoseconds(time); }

  std::string Create(v1::Job job = CompileJob()) {
    const auto created = io_.Await(jobs_->Create({"default", "", "", ""}, std::move(job)));
    EXPECT_TRUE(created.ok()) << created.status();
    return created->name().substr(5);
  }
  v1::Job Get(const std::string& id) { return io_.Await(jobs_->Get("default", id)).value(); }
  // Claims the job that is next; an empty id: there is none.
  JobClaim Claim(const std::string& owner = "a") {
    const auto claimed = io_.Await(jobs_->Claim(owner, kLease));
    EXPECT_TRUE(claimed.ok()) << claimed.status();
    return claimed->has_value() ? (*claimed)->claim : JobClaim{};
  }
  absl::Status Update(const JobClaim& claim, JobUpdate update) {
    return io_.Await(jobs_->Update(claim, std::move(update)));
  }
  absl::Status Decide(const JobClaim& claim, const std::string& example, std::int64_t ordinal) {
    JobUpdate update;
    update.events.push_back(Decided(example, ordinal));
    return Update(claim, std::move(update));
  }
  absl::StatusOr<v1::Job> Finish(const JobClaim& claim, v1::JobState state = v1::JOB_STATE_SUCCEEDED) {
    JobEnd end;
    end.state = state;
    return io_.Await(jobs_->Finish(claim, std::move(end)));
  }
  std::vector<v1::JobEvent> Events(const std::string& id, std::int64_t after = 0, int limit = 1000) {
    return io_.Await(jobs_->ReadEvents("default", id, after, limit)).value();
  }
  std::vector<std::string> Kinds(const std::string& id) {
    std::vector<std::string> kinds;
    for (const v1::JobEvent& event : Events(id)) kinds.push_back(Kind(event));
    return kinds;
  }

  TemporaryFolder folder_;
  TestPool io_{4};
  BlockingPool pool_{{}};
  std::atomic<std::int64_t> now_{1'700'000'000'000'000'000};
  std::unique_ptr<SqliteDatabase> database_;
  std::unique_ptr<ProgramStore> programs_;
  std::unique_ptr<JobStore> jobs_;
};

TEST_F(SqliteJobStoreTest, QueuesWhatIsAskedFor) {
  v1::Job asked = CompileJob("programs/qa@7");
  asked.set_state(v1::JOB_STATE_SUCCEEDED);
  asked.set_name("jobs/mine");
  const std::string id = Create(asked);
  Open();
  const v1::Job job = Get(id);
  EXPECT_EQ(job.name(), "jobs/" + id);
  EXPECT_NE(id, "mine");
  EXPECT_EQ(job.state(), v1::JOB_STATE_QUEUED);
  EXPECT_EQ(job.compile().program(), "programs/qa@7");
  EXPECT_EQ(job.create_time().seconds(), 1'700'000'000);
  EXPECT_FALSE(job.has_start_time());
  EXPECT_EQ(job.last_event(), 1);
  EXPECT_THAT(Kinds(id), ElementsAre("QUEUED"));
}

TEST_F(SqliteJobStoreTest, ARequestThatIsRepeatedMakesOneJob) {
  const WriteRequest request{"default", "r1", "Compile", "hash"};
  const auto first = io_.Await(jobs_->Create(request, CompileJob()));
  const auto second = io_.Await(jobs_->Create(request, CompileJob()));
  ASSERT_TRUE(first.ok() && second.ok());
  EXPECT_EQ(first->name(), second->name());
  EXPECT_EQ(io_.Await(jobs_->List("default", 0, 10))->jobs.size(), 1u);
  WriteRequest other = request;
  other.hash = "other";
  EXPECT_EQ(ErrorReason(io_.Await(jobs_->Create(other, CompileJob())).status()), reason::kRequestIdReused);
}

TEST_F(SqliteJobStoreTest, ListsTheNewestFirstInPages) {
  std::vector<std::string> ids;
  for (int i = 0; i < 5; ++i) ids.push_back("jobs/" + Create());
  ASSERT_TRUE(io_.Await(jobs_->Create({"other", "", "", ""}, CompileJob())).ok());
  std::vector<std::string> listed;
  std::int64_t before = 0;
  do {
    const auto page = io_.Await(jobs_->List("default", before, 2));
    ASSERT_TRUE(page.ok()) << page.status();
    for (const v1::Job& job : page->jobs) listed.push_back(job.name());
    before = page->next;
  } while (before != 0);
  EXPECT_THAT(listed, ElementsAre(ids[4], ids[3], ids[2], ids[1], ids[0]));
}

TEST_F(SqliteJobStoreTest, AJobThatIsNotThereIsATypedError) {
  for (const absl::Status& status :
       {io_.Await(jobs_->Get("default", "j0")).status(), io_.Await(jobs_->RequestCancel("default", "j0")).status(),
        io_.Await(jobs_->Resume("default", "j0", {})).status(),
        io_.Await(jobs_->ReadEvents("default", "j0", 0, 1)).status(),
        io_.Await(jobs_->ReadCandidates("default", "j0", 0, 1)).status(), Finish({"default", "j0", 1}).status()}) {
    EXPECT_EQ(status.code(), absl::StatusCode::kNotFound);
    EXPECT_EQ(ErrorReason(status), reason::kJobNotFound);
    EXPECT_EQ(ErrorMetadata(status, "job"), "jobs/j0");
  }
  const std::string id = Create();
  EXPECT_EQ(ErrorReason(io_.Await(jobs_->Get("other", id)).status()), reason::kJobNotFound);
}

TEST_F(SqliteJobStoreTest, TheOldestJobIsClaimedFirstAndOnlyOnce) {
  const std::string first = Create();
  const std::string second = Create();
  EXPECT_EQ(Claim().id, first);
  EXPECT_EQ(Claim().id, second);
  EXPECT_EQ(Claim().id, "");
  EXPECT_EQ(Get(first).state(), v1::JOB_STATE_RUNNING);
  EXPECT_EQ(Get(first).start_time().seconds(), 1'700'000'000);
}

TEST_F(SqliteJobStoreTest, ManyOwnersNeverShareAJob) {
  for (int i = 0; i < 20; ++i) Create();
  std::vector<std::future<absl::StatusOr<std::optional<ClaimedJob>>>> claims;
  for (int i = 0; i < 40; ++i) claims.push_back(io_.Start(jobs_->Claim(absl::StrCat("owner ", i), kLease)));
  std::set<std::string> claimed;
  for (auto& claim : claims) {
    const auto job = claim.get().value();
    if (job.has_value()) EXPECT_TRUE(claimed.insert(job->claim.id).second);
  }
  EXPECT_EQ(claimed.size(), 20u);
}

TEST_F(SqliteJobStoreTest, AnOwnerWhoseLeaseRanOutIsFollowedAndCannotWrite) {
  const std::string id = Create();
  const JobClaim old = Claim("a");
  Pass(kLease - absl::Seconds(1));
  EXPECT_EQ(Claim("b").id, "") << "the lease holds";
  ASSERT_TRUE(io_.Await(jobs_->Renew(old, kLease)).ok());
  Pass(kLease - absl::Seconds(1));
  EXPECT_EQ(Claim("b").id, "") << "it was renewed";
  Pass(absl::Seconds(1));
  const JobClaim present = Claim("b");
  EXPECT_EQ(present.id, id);
  EXPECT_GT(present.epoch, old.epoch);
  EXPECT_EQ(Get(id).resumes(), 1);

  BudgetAmount block;
  block.tokens = 1;
  for (const absl::Status& refused :
       {Decide(old, "x", 0), io_.Await(jobs_->Renew(old, kLease)).status(), io_.Await(jobs_->Release(old)),
        Finish(old).status(), io_.Await(jobs_->CheckProgress(old, 1)),
        io_.Await(jobs_->DrawBudget(old, v1::BUDGET_LINE_TASK, block, {})).status(),
        io_.Await(jobs_->SettleBudget(old, v1::BUDGET_LINE_TASK, {})).status()}) {
    EXPECT_EQ(refused.code(), absl::StatusCode::kAborted);
    EXPECT_EQ(ErrorReason(refused), reason::kJobLost);
    EXPECT_EQ(ErrorMetadata(refused, "job"), "jobs/" + id);
  }
  EXPECT_THAT(Kinds(id), ElementsAre("QUEUED", "RUNNING", "QUEUED", "RUNNING"));
  EXPECT_TRUE(Decide(present, "x", 0).ok());
}

TEST_F(SqliteJobStoreTest, AServerThatComesBackTakesItsJobsAtOnce) {
  const std::string id = Create();
  const JobClaim killed = Claim();
  ASSERT_TRUE(Decide(killed, "kept", 1).ok());
  Open();
  EXPECT_EQ(Claim().id, "") << "the lease of the server before";
  ASSERT_TRUE(io_.Await(jobs_->ExpireLeases()).ok());
  const JobClaim present = Claim();
  EXPECT_EQ(present.id, id);
  EXPECT_TRUE(io_.Await(jobs_->CheckProgress(present, 0)).ok());
  EXPECT_THAT(Kinds(id), ElementsAre("QUEUED", "RUNNING", "kept", "QUEUED", "RUNNING"));
  EXPECT_EQ(Get(id).start_time().seconds(), 1'700'000'000);
}

TEST_F(SqliteJobStoreTest, AReleasedJobWaitsForTheNext) {
  const std::string id = Create();
  const JobClaim claim = Claim();
  ASSERT_TRUE(io_.Await(jobs_->Release(claim)).ok());
  EXPECT_EQ(Get(id).state(), v1::JOB_STATE_QUEUED);
  EXPECT_EQ(ErrorReason(Decide(claim, "x", 0)), reason::kJobLost);
  EXPECT_EQ(Claim("b").id, id);
}

TEST_F(SqliteJobStoreTest, WhatAJobWaitsForIsSeen) {
  const std::string id = Create();
  const JobClaim claim = Claim();
  ASSERT_TRUE(Update(claim, ToState(v1::JOB_STATE_WAITING, "no credit")).ok());
  EXPECT_EQ(Get(id).state(), v1::JOB_STATE_WAITING);
  EXPECT_EQ(Get(id).error().message(), "no credit");
  ASSERT_TRUE(Update(claim, ToState(v1::JOB_STATE_WAITING, "still none")).ok());
  ASSERT_TRUE(Update(claim, ToState(v1::JOB_STATE_RUNNING)).ok());
  EXPECT_FALSE(Get(id).has_error());
  EXPECT_THAT(Kinds(id),
              ElementsAre("QUEUED", "RUNNING", "WAITING", "waiting: no credit", "waiting: still none", "RUNNING"));
  for (const auto state : {v1::JOB_STATE_QUEUED, v1::JOB_STATE_SUCCEEDED, v1::JOB_STATE_FAILED}) {
    JobUpdate update = ToState(state);
    update.events.push_back(Decided("x", 0));
    EXPECT_EQ(ErrorReason(Update(claim, std::move(update))), reason::kJobState);
  }
  EXPECT_EQ(Get(id).last_event(), 6) << "an update that is refused leaves nothing";
}

TEST_F(SqliteJobStoreTest, CancelEndsAJobThatNobodyRuns) {
  const std::string queued = Create();
  const auto cancelled = io_.Await(jobs_->RequestCancel("default", queued));
  ASSERT_TRUE(cancelled.ok()) << cancelled.status();
  EXPECT_EQ(cancelled->state(), v1::JOB_STATE_CANCELLED);
  EXPECT_THAT(Kinds(queued), ElementsAre("QUEUED", "ended CANCELLED"));
  EXPECT_EQ(Claim().id, "");

  const std::string waiting = Create();
  const JobClaim claim = Claim();
  ASSERT_TRUE(Update(claim, ToState(v1::JOB_STATE_WAITING, "no credit")).ok());
  Pass(kLease);
  EXPECT_EQ(io_.Await(jobs_->RequestCancel("default", waiting))->state(), v1::JOB_STATE_CANCELLED);
  EXPECT_FALSE(Get(waiting).has_error());
  EXPECT_EQ(ErrorReason(Decide(claim, "x", 0)), reason::kJobLost);
}

TEST_F(SqliteJobStoreTest, CancelIsAWishToAJobThatRuns) {
  const std::string id = Create();
  const JobClaim claim = Claim();
  EXPECT_FALSE(*io_.Await(jobs_->Renew(claim, kLease)));
  const auto changed = jobs_->Changed("default", id, io_.executor());
  const auto wished = io_.Await(jobs_->RequestCancel("default", id));
  EXPECT_EQ(wished->state(), v1::JOB_STATE_RUNNING);
  EXPECT_TRUE(wished->cancel_requested());
  EXPECT_TRUE(changed->woken());
  EXPECT_TRUE(*io_.Await(jobs_->Renew(claim, kLease)));
  ASSERT_TRUE(Finish(claim, v1::JOB_STATE_CANCELLED).ok());
  // Too late: it stays as it is.
  EXPECT_EQ(io_.Await(jobs_->RequestCancel("default", id))->state(), v1::JOB_STATE_CANCELLED);
  const auto last = Events(id).back();
  EXPECT_EQ(last.number(), last.ended().last_event());
}

TEST_F(SqliteJobStoreTest, AWishThatItsOwnerDidNotSeeIsGrantedAfterwards) {
  const std::string released = Create();
  const JobClaim first = Claim();
  io_.Await(jobs_->RequestCancel("default", released)).IgnoreError();
  ASSERT_TRUE(io_.Await(jobs_->Release(first)).ok());
  EXPECT_EQ(Get(released).state(), v1::JOB_STATE_CANCELLED);

  const std::string lost = Create();
  const std::string next = Create();
  ASSERT_EQ(Claim().id, lost);
  io_.Await(jobs_->RequestCancel("default", lost)).IgnoreError();
  Pass(kLease);
  EXPECT_EQ(Claim().id, next);
  EXPECT_EQ(Get(lost).state(), v1::JOB_STATE_CANCELLED);
}

TEST_F(SqliteJobStoreTest, AFailedJobIsResumedWithNewBudgets) {
  v1::Job asked = CompileJob();
  asked.mutable_compile()->add_budgets()->set_cost("1");
  const std::string id = Create(asked);
  JobEnd end;
  end.state = v1::JOB_STATE_FAILED;
  end.error.set_message("broken");
  ASSERT_TRUE(io_.Await(jobs_->Finish(Claim(), std::move(end))).ok());
  EXPECT_EQ(Get(id).error().message(), "broken");
  EXPECT_TRUE(Get(id).has_end_time());

  google::protobuf::RepeatedPtrField<v1::Budget> budgets;
  budgets.Add()->set_cost("2.5");
  const auto resumed = io_.Await(jobs_->Resume("default", id, budgets));
  ASSERT_TRUE(resumed.ok()) << resumed.status();
  EXPECT_EQ(resumed->state(), v1::JOB_STATE_QUEUED);
  EXPECT_FALSE(resumed->has_error());
  EXPECT_FALSE(resumed->has_end_time());
  ASSERT_EQ(resumed->compile().budgets_size(), 1);
  EXPECT_EQ(resumed->compile().budgets(0).cost(), "2.5");
  EXPECT_EQ(resumed->compile().program(), "programs/qa@1");
  EXPECT_EQ(Claim().id, id);
}

TEST_F(SqliteJobStoreTest, OnlyAJobThatFailedOrWasCancelledIsResumed) {
  const std::string id = Create();
  const auto refused = [&] { return ErrorReason(io_.Await(jobs_->Resume("default", id, {})).status()); };
  EXPECT_EQ(refused(), reason::kJobState);
  const JobClaim claim = Claim();
  EXPECT_EQ(refused(), reason::kJobState);
  ASSERT_TRUE(Finish(claim).ok());
  EXPECT_EQ(refused(), reason::kJobState);
  EXPECT_EQ(ErrorReason(Finish(claim).status()), reason::kJobLost);
}

TEST_F(SqliteJobStoreTest, ThreeResumesWithoutProgressFailTheJob) {
  const std::string id = Create();
  const auto start = [&](std::int64_t entries) {
    const JobClaim claim = Claim();
    const absl::Status status = io_.Await(jobs_->CheckProgress(claim, entries));
    Pass(kLease);
    return status;
  };
  ASSERT_TRUE(start(0).ok());
  ASSERT_TRUE(start(0).ok());
  ASSERT_TRUE(start(0).ok());
  ASSERT_TRUE(start(5).ok()) << "there was progress";
  ASSERT_TRUE(start(5).ok());
  ASSERT_TRUE(start(5).ok());
  const absl::Status stuck = start(5);
  EXPECT_EQ(stuck.code(), absl::StatusCode::kFailedPrecondition);
  EXPECT_EQ(ErrorReason(stuck), reason::kJobStuck);
  EXPECT_EQ(ErrorMetadata(stuck, "resumes"), "3");
  EXPECT_EQ(Get(id).state(), v1::JOB_STATE_FAILED);
  EXPECT_EQ(Get(id).error().message(), stuck.message());
  EXPECT_EQ(Claim().id, "");
  ASSERT_TRUE(io_.Await(jobs_->Resume("default", id, {})).ok());
  EXPECT_TRUE(start(5).ok()) << "somebody looked at it";
}

TEST_F(SqliteJobStoreTest, RestartsOfAJobThatWaitsOrIsReleasedAreNotCounted) {
  Create();
  for (int i = 0; i < 5; ++i) {
    JobClaim claim = Claim();
    ASSERT_TRUE(io_.Await(jobs_->CheckProgress(claim, 3)).ok());
    if (i % 2 == 0) {
      ASSERT_TRUE(io_.Await(jobs_->Release(claim)).ok());
    } else {
      ASSERT_TRUE(Update(claim, ToState(v1::JOB_STATE_WAITING, "no credit")).ok());
      Pass(kLease);
    }
  }
}

TEST_F(SqliteJobStoreTest, EventsHaveNoGapsWhoeverWritesThem) {
  const std::string id = Create();
  const JobClaim claim = Claim();
  std::vector<std::future<absl::Status>> updates;
  for (int i = 0; i < 200; ++i) {
    JobUpdate update;
    for (int k = 0; k < i % 4; ++k) update.events.push_back(Decided(absl::StrCat(i, ".", k), 0));
    updates.push_back(io_.Start(jobs_->Update(claim, std::move(update))));
    // Between them some that are refused.
    if (i % 10 == 0) {
      JobUpdate refused = ToState(v1::JOB_STATE_SUCCEEDED);
      refused.events.push_back(Decided("never", 0));
      io_.Start(jobs_->Update(claim, std::move(refused))).wait();
    }
  }
  for (auto& update : updates) EXPECT_TRUE(update.get().ok());
  std::int64_t number = 0;
  while (true) {
    const auto events = Events(id, number, 7);
    for (const v1::JobEvent& event : events) {
      EXPECT_EQ(event.number(), ++number);
      EXPECT_NE(Kind(event), "never");
    }
    if (events.empty()) break;
  }
  EXPECT_EQ(number, 2 + 300);
  EXPECT_EQ(Get(id).last_event(), number);
}

TEST_F(SqliteJobStoreTest, EventsThatAreMadeAgainAreDropped) {
  const std::string id = Create();
  JobClaim claim = Claim();
  for (int i = 1; i <= 3; ++i) ASSERT_TRUE(Decide(claim, absl::StrCat("d", i), i).ok());
  Pass(kLease);
  claim = Claim();
  for (int i = 1; i <= 4; ++i) ASSERT_TRUE(Decide(claim, absl::StrCat("d", i), i).ok());
  EXPECT_THAT(Kinds(id), ElementsAre("QUEUED", "RUNNING", "d1", "d2", "d3", "QUEUED", "RUNNING", "d4"));
}

TEST_F(SqliteJobStoreTest, AWatcherIsWokenByWhatItHasNotRead) {
  const std::string id = Create();
  const JobClaim claim = Claim();
  auto changed = jobs_->Changed("default", id, io_.executor());
  EXPECT_FALSE(changed->woken());
  ASSERT_TRUE(io_.Await(jobs_->Renew(claim, kLease)).ok());
  EXPECT_FALSE(changed->woken()) << "nothing to see";
  ASSERT_TRUE(Decide(claim, "x", 0).ok());
  EXPECT_TRUE(changed->woken());
  EXPECT_EQ(Events(id, 2).size(), 1u);

  auto queued = jobs_->Queued(io_.executor());
  EXPECT_FALSE(queued->woken());
  Create();
  EXPECT_TRUE(queued->woken());
}

TEST_F(SqliteJobStoreTest, KeepsWhatWasFoundSoFar) {
  const std::string id = Create();
  const JobClaim claim = Claim();
  JobUpdate update;
  update.progress.emplace().set_phase("bootstrap 1/16");
  v1::Spending spending;
  spending.set_line(v1::BUDGET_LINE_TASK);
  spending.mutable_usage()->set_lm_calls(12);
  update.spending = {spending};
  for (int i = 0; i < 3; ++i) update.candidates.emplace_back().set_number(i);
  ASSERT_TRUE(Update(claim, update).ok());
  JobUpdate scored;
  v1::Candidate& candidate = scored.candidates.emplace_back();
  candidate.set_number(1);
  candidate.set_score(50);
  ASSERT_TRUE(Update(claim, scored).ok());
  Open();
  EXPECT_EQ(Get(id).progress().phase(), "bootstrap 1/16");
  ASSERT_EQ(Get(id).spending_size(), 1);
  EXPECT_EQ(Get(id).spending(0).usage().lm_calls(), 12);
  const auto first = io_.Await(jobs_->ReadCandidates("default", id, -1, 2));
  ASSERT_TRUE(first.ok()) << first.status();
  ASSERT_EQ(first->candidates.size(), 2u);
  EXPECT_EQ(first->candidates[1].score(), 50);
  EXPECT_TRUE(first->more);
  const auto second = io_.Await(jobs_->ReadCandidates("default", id, 1, 2));
  EXPECT_EQ(second->candidates.size(), 1u);
  EXPECT_FALSE(second->more);
}

TEST_F(SqliteJobStoreTest, AKillForfeitsWhatWasDrawnAndNoMore) {
  const std::string id = Create();
  JobClaim claim = Claim();
  const BudgetAmount block{Money::Parse("0.10").value(), 1000, 10};
  const BudgetAmount spent{Money::Parse("0.09").value(), 900, 9};
  const auto first = io_.Await(jobs_->DrawBudget(claim, v1::BUDGET_LINE_TASK, block, {}));
  ASSERT_TRUE(first.ok()) << first.status();
  EXPECT_EQ(first->drawn, block);
  const auto second = io_.Await(jobs_->DrawBudget(claim, v1::BUDGET_LINE_TASK, block, spent));
  ASSERT_TRUE(io_.Await(jobs_->DrawBudget(claim, v1::BUDGET_LINE_JUDGE, block, {})).ok());
  const BudgetAmount two_blocks{Money::Parse("0.20").value(), 2000, 20};
  EXPECT_EQ(second->drawn, two_blocks);

  Open();
  Pass(kLease);
  claim = Claim();
  const auto found = io_.Await(jobs_->ReadBudgets("default", id));
  ASSERT_TRUE(found.ok()) << found.status();
  ASSERT_EQ(found->size(), 2u);
  EXPECT_EQ((*found)[0].line, v1::BUDGET_LINE_TASK);
  EXPECT_EQ((*found)[0].drawn, two_blocks);
  EXPECT_EQ((*found)[0].settled, spent);
  EXPECT_EQ((*found)[1].line, v1::BUDGET_LINE_JUDGE);
  EXPECT_EQ((*found)[1].drawn, block);

  ASSERT_TRUE(io_.Await(jobs_->SettleBudget(claim, v1::BUDGET_LINE_JUDGE, spent)).ok());
  EXPECT_EQ((*io_.Await(jobs_->ReadBudgets("default", id)))[1].drawn, spent);
}

TEST_F(SqliteJobStoreTest, AFullDiskLeavesTheJobWithItsOwner) {
  const std::string id = Create();
  const JobClaim claim = Claim();
  const auto limit = [&](int more) {
    database_->WithWriterForTest([&](SQLite::Database& db) {
      db.exec(absl::StrCat("PRAGMA max_page_count = ", db.execAndGet("PRAGMA page_count").getInt() + more));
    });
  };
  limit(0);
  const std::string large(100'000, 'x');
  const absl::Status full = Decide(claim, large, 1);
  EXPECT_EQ(full.code(), absl::StatusCode::kResourceExhausted);
  EXPECT_EQ(ErrorReason(full), reason::kDiskFull);
  EXPECT_EQ(Get(id).last_event(), 2);
  limit(1000);
  ASSERT_TRUE(Decide(claim, large, 1).ok());
  EXPECT_EQ(Events(id).back().decision().example(), large);
}

}  // namespace
}  // namespace dspex
