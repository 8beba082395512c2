#include "server/job/journal.h"

#include <SQLiteCpp/SQLiteCpp.h>
#include <absl/strings/str_cat.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <filesystem>

#include "engine/base/error.h"
#include "engine/base/reasons.h"
#include "server/store/store_testing.h"

namespace dspex {
namespace {

using ::testing::ElementsAre;
using ::testing::Field;

LmAnswer Says(const std::string& text) {
  lm::Response response;
  response.completions.push_back({.text = text});
  return response;
}

std::string TextOf(const LmAnswer& answer) {
  return answer.ok() ? answer->completions.at(0).text : answer.status().ToString();
}

v1::ExampleResult Scored(double score) {
  v1::ExampleResult result;
  result.set_score(score);
  result.set_outputs_json(absl::StrCat("{\"a\": ", score, "}"));
  return result;
}

class JournalTest : public ::testing::Test {
 protected:
  JournalTest() { Open(); }

  void Open() {
    journal_.reset();
    journal_ = Journal::Open(folder_.path(), pool_).value();
  }

  absl::Status Append(const std::string& lane, const std::string& digest, int occurrence, const LmAnswer& answer,
                      const std::string& job = "j1") {
    return io_.Await(journal_->AppendAnswer(job, lane, digest, occurrence, answer));
  }

  // The text of the answer; empty: there is none.
  std::string Find(const std::string& lane, const std::string& digest, int occurrence, const std::string& job = "j1") {
    const auto answers = io_.Await(journal_->ReadLane(job, lane));
    if (!answers.ok()) return answers.status().ToString();
    for (const JournalAnswer& answer : *answers) {
      if (answer.digest == digest && answer.occurrence == occurrence) return TextOf(answer.answer);
    }
    return "";
  }

  // As if the disk had no more room than what is used now and so many pages.
  void LimitDisk(int pages) {
    journal_->database().WithWriterForTest([&](SQLite::Database& db) {
      const int used = db.execAndGet("PRAGMA page_count").getInt();
      db.exec(absl::StrCat("PRAGMA max_page_count = ", used + pages));
    });
  }

  TemporaryFolder folder_;
  TestPool io_{4};
  BlockingPool pool_{{}};
  std::unique_ptr<Journal> journal_;
};

TEST_F(JournalTest, FindsAnAnswerByJobLaneDigestAndOccurrence) {
  const std::string digest("\0\xff binary", 9);
  ASSERT_TRUE(Append("eval/0", digest, 0, Says("one")).ok());
  ASSERT_TRUE(Append("eval/0", digest, 1, Says("two")).ok());
  ASSERT_TRUE(Append("eval/1", digest, 0, Says("three")).ok());
  ASSERT_TRUE(Append("eval/0", digest, 0, Says("four"), "j2").ok());
  for (int round = 0; round < 2; ++round) {
    EXPECT_EQ(Find("eval/0", digest, 0), "one");
    EXPECT_EQ(Find("eval/0", digest, 1), "two");
    EXPECT_EQ(Find("eval/1", digest, 0), "three");
    EXPECT_EQ(Find("eval/0", digest, 0, "j2"), "four");
    EXPECT_EQ(Find("eval/0", digest, 2), "");
    EXPECT_EQ(Find("eval/0", "other", 0), "");
    Open();
  }
}

TEST_F(JournalTest, ErrorsThatStandForAnswersAreReplayedToo) {
  const absl::Status refused = Error(absl::StatusCode::kInvalidArgument, reason::kModelRefused, "It will not.");
  ASSERT_TRUE(Append("l", "d", 0, refused).ok());
  const auto found = io_.Await(journal_->ReadLane("j1", "l"));
  ASSERT_TRUE(found.ok() && found->size() == 1);
  EXPECT_EQ(found->front().answer.status(), refused);
}

TEST_F(JournalTest, ALaneComesBackInTheOrderItWasPaid) {
  ASSERT_TRUE(Append("l", "z", 0, Says("first")).ok());
  ASSERT_TRUE(Append("l", "a", 0, Says("second")).ok());
  ASSERT_TRUE(Append("other", "b", 0, Says("elsewhere")).ok());
  ASSERT_TRUE(Append("l", "z", 1, Says("third")).ok());
  const auto lane = io_.Await(journal_->ReadLane("j1", "l"));
  ASSERT_TRUE(lane.ok()) << lane.status();
  std::vector<std::string> told;
  for (const JournalAnswer& answer : *lane) {
    told.push_back(absl::StrCat(answer.digest, answer.occurrence, " ", TextOf(answer.answer)));
  }
  EXPECT_THAT(told, ElementsAre("z0 first", "a0 second", "z1 third"));
  EXPECT_TRUE(io_.Await(journal_->ReadLane("j1", "nobody"))->empty());
}

TEST_F(JournalTest, TheLastAnswerUnderAKeyCounts) {
  ASSERT_TRUE(Append("l", "d", 0, Says("one")).ok());
  ASSERT_TRUE(Append("l", "d", 0, Says("two")).ok());
  EXPECT_EQ(Find("l", "d", 0), "two");
  EXPECT_EQ(*io_.Await(journal_->Count("j1")), 1);
}

TEST_F(JournalTest, KeepsScoredExamplesAndPagesThem) {
  for (const int index : {3, 0, 2, 1}) {
    ASSERT_TRUE(io_.Await(journal_->AppendResult("j1", "run", index, Scored(index / 2.0))).ok());
  }
  v1::ExampleResult failed = Scored(0);
  failed.mutable_error()->set_code(3);
  ASSERT_TRUE(io_.Await(journal_->AppendResult("j1", "run", 4, failed)).ok());
  ASSERT_TRUE(io_.Await(journal_->AppendResult("j1", "other run", 9, Scored(9))).ok());
  Open();
  const auto scores = io_.Await(journal_->ReadScores("j1", "run"));
  ASSERT_TRUE(scores.ok()) << scores.status();
  ASSERT_EQ(scores->size(), 5u);
  for (int i = 0; i < 4; ++i) {
    EXPECT_EQ((*scores)[static_cast<std::size_t>(i)].index, i);
    EXPECT_EQ((*scores)[static_cast<std::size_t>(i)].score, i / 2.0);
    EXPECT_FALSE((*scores)[static_cast<std::size_t>(i)].failed);
  }
  EXPECT_TRUE((*scores)[4].failed);
  const auto some = io_.Await(journal_->ReadScores("j1", "run", 1, 2));
  ASSERT_TRUE(some.ok()) << some.status();
  ASSERT_EQ(some->size(), 2u);
  EXPECT_EQ((*some)[0].index, 1);
  EXPECT_EQ((*some)[1].index, 2);

  const auto first = io_.Await(journal_->ReadResults("j1", "run", -1, 3));
  ASSERT_TRUE(first.ok()) << first.status();
  EXPECT_EQ(first->results.size(), 3u);
  EXPECT_TRUE(first->more);
  EXPECT_EQ(first->last, 2);
  const auto second = io_.Await(journal_->ReadResults("j1", "run", first->last, 3));
  EXPECT_EQ(second->results.size(), 2u);
  EXPECT_EQ(second->results[0].score(), 1.5);
  EXPECT_EQ(second->results[0].outputs_json(), "{\"a\": 1.5}");
  EXPECT_FALSE(second->more);
}

TEST_F(JournalTest, DeletesTheAnswersOfOneJobInStepsAndOnlyThose) {
  std::vector<std::future<absl::Status>> appended;
  for (int i = 0; i < 2500; ++i) {
    appended.push_back(io_.Start(journal_->AppendAnswer("j1", absl::StrCat("l", i), "d", 0, Says("x"))));
  }
  for (auto& append : appended) ASSERT_TRUE(append.get().ok());
  ASSERT_TRUE(io_.Await(journal_->AppendResult("j1", "run", 0, Scored(1))).ok());
  ASSERT_TRUE(Append("l", "d", 0, Says("kept"), "j2").ok());
  EXPECT_EQ(*io_.Await(journal_->Count("j1")), 2501);
  EXPECT_THAT(*io_.Await(journal_->JobsWithAnswers()), ElementsAre("j1", "j2"));
  ASSERT_TRUE(io_.Await(journal_->DeleteAnswers("j1")).ok());
  EXPECT_EQ(*io_.Await(journal_->Count("j1")), 1) << "results stay";
  EXPECT_THAT(*io_.Await(journal_->JobsWithAnswers()), ElementsAre("j2"));
  EXPECT_EQ(Find("l", "d", 0, "j2"), "kept");
}

TEST_F(JournalTest, AFullDiskIsATypedErrorAndLosesNothing) {
  ASSERT_TRUE(Append("l", "d", 0, Says("before")).ok());
  LimitDisk(1);
  const std::string large(100'000, 'x');
  const absl::Status full = Append("l", "d", 1, Says(large));
  EXPECT_EQ(full.code(), absl::StatusCode::kResourceExhausted);
  EXPECT_EQ(ErrorReason(full), reason::kDiskFull);
  EXPECT_EQ(ErrorMetadata(full, "sqlite_code"), "13");
  EXPECT_EQ(Find("l", "d", 0), "before");
  EXPECT_EQ(Find("l", "d", 1), "");
  // There is room again: the same append goes through.
  LimitDisk(1000);
  ASSERT_TRUE(Append("l", "d", 1, Says(large)).ok());
  Open();
  EXPECT_EQ(Find("l", "d", 0), "before");
  EXPECT_EQ(Find("l", "d", 1), large);
}

TEST_F(JournalTest, CommitsAreNotSyncedUnlessAsked) {
  int mode = 0;
  journal_->database().WithWriterForTest(
      [&](SQLite::Database& db) { mode = db.execAndGet("PRAGMA synchronous").getInt(); });
  EXPECT_EQ(mode, 1) << "NORMAL";
  ASSERT_TRUE(Append("l", "d", 0, Says("x")).ok());
  ASSERT_TRUE(io_.Await(journal_->Sync()).ok());
  journal_->database().WithWriterForTest(
      [&](SQLite::Database& db) { mode = db.execAndGet("PRAGMA synchronous").getInt(); });
  EXPECT_EQ(mode, 1) << "after a sync as before";
}

// What was answered outlives kill -9: a process appends until it is killed, and says after each append how far it is.
TEST(JournalKillTest, AnAnsweredAppendOutlivesTheProcess) {
  const TemporaryFolder folder;
  int told[2];
  ASSERT_EQ(pipe(told), 0);
  const pid_t child = fork();
  ASSERT_GE(child, 0);
  if (child == 0) {
    BlockingPool pool({});
    TestPool io(1);
    const auto journal = Journal::Open(folder.path(), pool).value();
    for (int i = 0;; ++i) {
      if (!io.Await(journal->AppendAnswer("j1", "l", "d", i, Says(absl::StrCat(i)))).ok()) _exit(1);
      if (write(told[1], &i, sizeof i) != sizeof i) _exit(1);
    }
  }
  close(told[1]);
  int last = 0;
  while (last < 200) ASSERT_EQ(read(told[0], &last, sizeof last), static_cast<ssize_t>(sizeof last));
  kill(child, SIGKILL);
  waitpid(child, nullptr, 0);
  // What it still said before it died.
  while (read(told[0], &last, sizeof last) == static_cast<ssize_t>(sizeof last)) {
  }
  close(told[0]);
  BlockingPool pool({});
  TestPool io(1);
  const auto journal = Journal::Open(folder.path(), pool).value();
  const auto lane = io.Await(journal->ReadLane("j1", "l"));
  ASSERT_TRUE(lane.ok()) << lane.status();
  ASSERT_GT(lane->size(), static_cast<std::size_t>(last));
  for (std::size_t i = 0; i < lane->size(); ++i) EXPECT_EQ(TextOf((*lane)[i].answer), absl::StrCat(i));
}

}  // namespace
}  // namespace dspex
