// How a job ends with a revision of its program: both or neither.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "engine/base/error.h"
#include "engine/base/reasons.h"
#include "server/job/sqlite_job_store.h"
#include "server/store/sqlite_program_store.h"
#include "server/store/store_testing.h"

namespace dspex {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

class Recorder final : public ProgramObserver {
 public:
  void OnProgramChanged(absl::string_view, absl::string_view id) override { changed.emplace_back(id); }
  std::vector<std::string> changed;
};

class FinishJobTest : public ::testing::Test {
 protected:
  FinishJobTest() {
    EXPECT_TRUE(io_.Await(programs_->Create({"default", "", "", ""}, "qa", Described("student"))).ok());
    EXPECT_TRUE(io_.Await(programs_->SetLabel({"default", "", "", ""}, "qa", "", "prod", 1)).ok());
    v1::Job job;
    job.mutable_compile()->set_program("programs/qa@1");
    EXPECT_TRUE(io_.Await(jobs_->Create({"default", "", "", ""}, job)).ok());
    claim_ = (*io_.Await(jobs_->Claim("a", absl::Seconds(30))))->claim;
    programs_->SetObserver(&recorder_);
  }
  ~FinishJobTest() override { programs_->SetObserver(nullptr); }

  static v1::Program Described(const std::string& description) {
    v1::Program program;
    program.set_description(description);
    return program;
  }

  static JobEnd EndWith(const std::string& description, const std::string& label = "") {
    JobEnd end;
    end.last.result.emplace().mutable_compile_result()->set_promotion("The gain is above the margin.");
    end.revision = ResultRevision{
        "qa", [description](const v1::Program&) -> absl::StatusOr<v1::Program> { return Described(description); },
        label, label.empty() ? 0 : 1};
    return end;
  }

  absl::StatusOr<v1::Job> Finish(JobEnd end) { return io_.Await(jobs_->Finish(claim_, std::move(end))); }
  v1::Program Program() { return io_.Await(programs_->Get("default", "qa", {})).value(); }
  v1::Job Job() { return io_.Await(jobs_->Get("default", claim_.id)).value(); }

  TemporaryFolder folder_;
  TestPool io_{2};
  BlockingPool pool_{{}};
  std::unique_ptr<SqliteDatabase> database_ = SqliteDatabase::Open({.directory = folder_.path()}, pool_).value();
  const std::shared_ptr<ProgramChanges> changes_ = std::make_shared<ProgramChanges>();
  std::unique_ptr<ProgramStore> programs_ = MakeSqliteProgramStore(*database_, absl::Now, changes_);
  std::unique_ptr<JobStore> jobs_ = MakeSqliteJobStore(*database_, changes_);
  Recorder recorder_;
  JobClaim claim_;
};

TEST_F(FinishJobTest, TheRevisionIsMadeTheLabelMovesAndTheCacheHears) {
  const auto ended = Finish(EndWith("compiled", "prod"));
  ASSERT_TRUE(ended.ok()) << ended.status();
  EXPECT_EQ(ended->state(), v1::JOB_STATE_SUCCEEDED);
  EXPECT_EQ(ended->compile_result().program(), "programs/qa@2");
  EXPECT_EQ(ended->compile_result().promotion(), "The gain is above the margin.");
  EXPECT_EQ(Program().revision(), 2);
  EXPECT_EQ(Program().description(), "compiled");
  EXPECT_EQ(Program().labels().at("prod"), 2);
  EXPECT_THAT(recorder_.changed, ElementsAre("qa"));
  EXPECT_EQ(Job().SerializeAsString(), ended->SerializeAsString());
}

TEST_F(FinishJobTest, ALabelThatNamesAnotherRevisionByNowStays) {
  WriteRequest request{"default", "", "", ""};
  const auto other = [](const v1::Program&) -> absl::StatusOr<v1::Program> { return Described("somebody else's"); };
  ASSERT_TRUE(io_.Await(programs_->Update(request, "qa", "", other)).ok());
  ASSERT_TRUE(io_.Await(programs_->SetLabel(request, "qa", "", "prod", 2)).ok());
  const auto ended = Finish(EndWith("compiled", "prod"));
  ASSERT_TRUE(ended.ok()) << ended.status();
  EXPECT_EQ(ended->compile_result().program(), "programs/qa@3");
  EXPECT_THAT(ended->compile_result().promotion(), HasSubstr("names revision 2 now"));
  EXPECT_EQ(Program().labels().at("prod"), 2);
}

TEST_F(FinishJobTest, AJobWhoseRevisionCannotBeMadeGoesOn) {
  JobEnd end = EndWith("compiled");
  end.revision->change = [](const v1::Program&) -> absl::StatusOr<v1::Program> { return absl::InternalError("no"); };
  NewJobEvent event;
  event.event.mutable_decision();
  end.last.events.push_back(event);
  EXPECT_EQ(Finish(std::move(end)).status(), absl::InternalError("no"));
  EXPECT_EQ(Job().state(), v1::JOB_STATE_RUNNING);
  EXPECT_EQ(Job().last_event(), 2);

  ASSERT_TRUE(io_.Await(programs_->Delete({"default", "", "", ""}, "qa", "")).ok());
  EXPECT_EQ(ErrorReason(Finish(EndWith("compiled")).status()), reason::kProgramNotFound);
  EXPECT_EQ(Job().state(), v1::JOB_STATE_RUNNING);
  JobEnd failed;
  failed.state = v1::JOB_STATE_FAILED;
  EXPECT_TRUE(Finish(std::move(failed)).ok());
}

TEST_F(FinishJobTest, AnOwnerThatLostTheJobMakesNoRevision) {
  JobClaim old = claim_;
  --old.epoch;
  EXPECT_EQ(ErrorReason(io_.Await(jobs_->Finish(old, EndWith("compiled"))).status()), reason::kJobLost);
  EXPECT_EQ(Program().revision(), 1);
  EXPECT_TRUE(recorder_.changed.empty());
}

TEST_F(FinishJobTest, OnlyTheEndsOfAJobEndIt) {
  JobEnd end = EndWith("compiled");
  end.state = v1::JOB_STATE_QUEUED;
  EXPECT_EQ(ErrorReason(Finish(std::move(end)).status()), reason::kJobState);
  EXPECT_EQ(Program().revision(), 1);
}

}  // namespace
}  // namespace dspex
