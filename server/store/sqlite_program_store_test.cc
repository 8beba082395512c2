#include "server/store/sqlite_program_store.h"

#include <absl/strings/str_cat.h>
#include <gmock/gmock.h>
#include <google/protobuf/unknown_field_set.h>
#include <gtest/gtest.h>

#include <atomic>
#include <map>
#include <random>
#include <set>
#include <thread>

#include "engine/base/error.h"
#include "engine/base/reasons.h"
#include "server/store/program_definition.h"
#include "server/store/sqlite_statement.h"
#include "server/store/store_testing.h"

namespace dspex {
namespace {

using ::testing::ElementsAre;
using ::testing::Pair;
using ::testing::UnorderedElementsAre;

v1::Program MakeProgram(const std::string& description) {
  v1::Program program;
  v1::Module* module = program.add_modules();
  module->set_id("qa");
  module->mutable_predict()->set_signature("question -> answer");
  (*program.mutable_outputs())["b"] = "qa.b";
  (*program.mutable_outputs())["a"] = "qa.a";
  program.set_description(description);
  return program;
}

// A map has no order of its own.
std::string Bytes(const absl::StatusOr<v1::Program>& program) {
  return program.ok() ? SerializeDeterministically(*program) : program.status().ToString();
}

WriteRequest As(const std::string& tenant, const std::string& request_id = "", const std::string& hash = "h",
                const std::string& method = "M") {
  return {tenant, request_id, method, hash};
}

ProgramStore::Change SetTo(const v1::Program& program) {
  return [program](const v1::Program&) -> absl::StatusOr<v1::Program> { return program; };
}

class SqliteProgramStoreTest : public ::testing::Test {
 protected:
  SqliteProgramStoreTest() { OpenStore(); }

  void OpenStore() {
    store_.reset();
    database_.reset();
    database_ = SqliteDatabase::Open({.directory = folder_.path()}, pool_).value();
    store_ = MakeSqliteProgramStore(*database_, [this] { return absl::FromUnixNanos(now_.load()); });
  }

  void Pass(absl::Duration time) { now_ += absl::ToInt64Nanoseconds(time); }

  absl::StatusOr<v1::Program> Create(const std::string& id, const std::string& description = "one",
                                     WriteRequest request = As("default")) {
    return io_.Await(store_->Create(std::move(request), id, MakeProgram(description)));
  }
  absl::StatusOr<v1::Program> Get(const std::string& id, RevisionSelector selector = {},
                                  const std::string& tenant = "default") {
    return io_.Await(store_->Get(tenant, id, std::move(selector)));
  }
  absl::StatusOr<v1::Program> Update(const std::string& id, const std::string& description,
                                     const std::string& etag = "", WriteRequest request = As("default")) {
    return io_.Await(store_->Update(std::move(request), id, etag, SetTo(MakeProgram(description))));
  }
  absl::Status Delete(const std::string& id, const std::string& etag = "", WriteRequest request = As("default")) {
    return io_.Await(store_->Delete(std::move(request), id, etag));
  }
  absl::StatusOr<v1::Program> SetLabel(const std::string& id, const std::string& label, std::int64_t revision,
                                       const std::string& etag = "", WriteRequest request = As("default")) {
    return io_.Await(store_->SetLabel(std::move(request), id, etag, label, revision));
  }

  TemporaryFolder folder_;
  TestPool io_{4};
  BlockingPool pool_{{}};
  std::atomic<std::int64_t> now_{1'700'000'000'000'000'000};
  std::unique_ptr<SqliteDatabase> database_;
  std::unique_ptr<ProgramStore> store_;
};

TEST_F(SqliteProgramStoreTest, CreatesRevisionOne) {
  const auto created = Create("qa");
  ASSERT_TRUE(created.ok()) << created.status();
  EXPECT_EQ(created->name(), "programs/qa");
  EXPECT_EQ(created->revision(), 1);
  EXPECT_EQ(created->etag().size(), 16u);
  EXPECT_EQ(created->description(), "one");
  EXPECT_EQ(created->modules(0).predict().signature(), "question -> answer");
  EXPECT_EQ(created->create_time().seconds(), 1'700'000'000);
  EXPECT_EQ(created->update_time().seconds(), 1'700'000'000);
  EXPECT_EQ(Bytes(Get("qa")), Bytes(created));
}

TEST_F(SqliteProgramStoreTest, RefusesASecondProgramOfTheName) {
  ASSERT_TRUE(Create("qa").ok());
  const absl::Status refused = Create("qa", "two").status();
  EXPECT_EQ(refused.code(), absl::StatusCode::kAlreadyExists);
  EXPECT_EQ(ErrorReason(refused), reason::kProgramExists);
  EXPECT_EQ(ErrorMetadata(refused, "program"), "programs/qa");
  EXPECT_EQ(Get("qa")->description(), "one");
}

TEST_F(SqliteProgramStoreTest, FindsRevisionsByNumberAndLabel) {
  ASSERT_TRUE(Create("qa", "one").ok());
  Pass(absl::Seconds(5));
  ASSERT_TRUE(Update("qa", "two").ok());
  ASSERT_TRUE(SetLabel("qa", "prod", 1).ok());

  EXPECT_EQ(Get("qa")->description(), "two");
  EXPECT_EQ(Get("qa")->name(), "programs/qa");
  const auto first = Get("qa", {.revision = 1, .label = ""});
  ASSERT_TRUE(first.ok());
  EXPECT_EQ(first->name(), "programs/qa@1");
  EXPECT_EQ(first->description(), "one");
  EXPECT_EQ(first->update_time().seconds(), 1'700'000'000);
  const auto second = Get("qa", {.revision = 2, .label = ""});
  EXPECT_EQ(second->create_time().seconds(), 1'700'000'000);
  EXPECT_EQ(second->update_time().seconds(), 1'700'000'005);
  EXPECT_EQ(Bytes(Get("qa", {.revision = 0, .label = "prod"})), Bytes(first));
  EXPECT_THAT(first->labels(), ElementsAre(Pair("prod", 1)));
}

TEST_F(SqliteProgramStoreTest, SaysWhatIsNotThere) {
  const absl::Status no_program = Get("qa").status();
  EXPECT_EQ(no_program.code(), absl::StatusCode::kNotFound);
  EXPECT_EQ(ErrorReason(no_program), reason::kProgramNotFound);
  EXPECT_EQ(ErrorMetadata(no_program, "program"), "programs/qa");
  EXPECT_EQ(ErrorReason(Update("qa", "x").status()), reason::kProgramNotFound);
  EXPECT_EQ(ErrorReason(Delete("qa")), reason::kProgramNotFound);
  EXPECT_EQ(ErrorReason(SetLabel("qa", "prod", 1).status()), reason::kProgramNotFound);
  EXPECT_EQ(ErrorReason(io_.Await(store_->ListRevisions("default", "qa", 0, 10)).status()), reason::kProgramNotFound);

  ASSERT_TRUE(Create("qa").ok());
  for (const RevisionSelector& selector : {RevisionSelector{2, ""}, RevisionSelector{0, "prod"}}) {
    const absl::Status no_revision = Get("qa", selector).status();
    EXPECT_EQ(no_revision.code(), absl::StatusCode::kNotFound);
    EXPECT_EQ(ErrorReason(no_revision), reason::kRevisionNotFound);
    EXPECT_EQ(ErrorMetadata(no_revision, "program"), "programs/qa");
    EXPECT_EQ(ErrorMetadata(no_revision, "revision"), selector.label.empty() ? "2" : "prod");
  }
  EXPECT_EQ(ErrorReason(SetLabel("qa", "prod", 2).status()), reason::kRevisionNotFound);
}

TEST_F(SqliteProgramStoreTest, AnUpdateMakesARevisionUnlessItChangesNothing) {
  const auto one = Create("qa", "one");
  const auto two = Update("qa", "two");
  ASSERT_TRUE(two.ok()) << two.status();
  EXPECT_EQ(two->revision(), 2);
  EXPECT_NE(two->etag(), one->etag());
  const auto same = Update("qa", "two");
  EXPECT_EQ(Bytes(same), Bytes(two));
  EXPECT_EQ(io_.Await(store_->ListRevisions("default", "qa", 0, 10))->programs.size(), 2u);
}

TEST_F(SqliteProgramStoreTest, AnOldEtagRefusesEveryChange) {
  const std::string old = Create("qa", "one")->etag();
  // A label is a change, too.
  const std::string etag = SetLabel("qa", "prod", 1)->etag();
  EXPECT_NE(etag, old);
  for (const absl::Status& refused :
       {Update("qa", "two", old).status(), SetLabel("qa", "prod", 0, old).status(), Delete("qa", old)}) {
    EXPECT_EQ(refused.code(), absl::StatusCode::kAborted);
    EXPECT_EQ(ErrorReason(refused), reason::kEtagMismatch);
    EXPECT_EQ(ErrorMetadata(refused, "program"), "programs/qa");
    EXPECT_EQ(ErrorMetadata(refused, "etag"), etag);
    EXPECT_EQ(ErrorMetadata(refused, "revision"), "1");
  }
  EXPECT_TRUE(Update("qa", "two", etag).ok());
  EXPECT_EQ(ErrorReason(Delete("qa", etag)), reason::kEtagMismatch);
  EXPECT_TRUE(Delete("qa", Get("qa")->etag()).ok());
}

TEST_F(SqliteProgramStoreTest, RevisionNumbersGoOnAfterADeletion) {
  const std::string etag = Create("qa", "one")->etag();
  ASSERT_TRUE(Update("qa", "two").ok());
  ASSERT_TRUE(SetLabel("qa", "prod", 2).ok());
  ASSERT_TRUE(Delete("qa").ok());
  EXPECT_EQ(ErrorReason(Get("qa").status()), reason::kProgramNotFound);
  const auto again = Create("qa", "one");
  EXPECT_EQ(again->revision(), 3);
  EXPECT_NE(again->etag(), etag);
  EXPECT_TRUE(again->labels().empty());
  EXPECT_EQ(ErrorReason(Get("qa", {.revision = 2, .label = ""}).status()), reason::kRevisionNotFound);
  ASSERT_TRUE(Delete("qa").ok());
  EXPECT_EQ(Create("qa", "one")->revision(), 4);
}

TEST_F(SqliteProgramStoreTest, LabelsMoveAndGo) {
  ASSERT_TRUE(Create("qa", "one").ok());
  ASSERT_TRUE(Update("qa", "two").ok());
  EXPECT_THAT(SetLabel("qa", "prod", 1)->labels(), ElementsAre(Pair("prod", 1)));
  EXPECT_THAT(SetLabel("qa", "test", 2)->labels(), UnorderedElementsAre(Pair("prod", 1), Pair("test", 2)));
  const auto moved = SetLabel("qa", "prod", 2);
  EXPECT_THAT(moved->labels(), UnorderedElementsAre(Pair("prod", 2), Pair("test", 2)));
  EXPECT_EQ(moved->revision(), 2);
  // What changes nothing leaves the etag.
  EXPECT_EQ(SetLabel("qa", "prod", 2)->etag(), moved->etag());
  EXPECT_EQ(SetLabel("qa", "none", 0)->etag(), moved->etag());
  EXPECT_THAT(SetLabel("qa", "prod", 0)->labels(), ElementsAre(Pair("test", 2)));
}

TEST_F(SqliteProgramStoreTest, BoundsLabels) {
  ASSERT_TRUE(Create("qa").ok());
  for (int i = 0; i < ProgramStore::kMaxLabels; ++i) ASSERT_TRUE(SetLabel("qa", absl::StrCat("l", i), 1).ok());
  const absl::Status refused = SetLabel("qa", "more", 1).status();
  EXPECT_EQ(refused.code(), absl::StatusCode::kInvalidArgument);
  EXPECT_EQ(ErrorReason(refused), reason::kInvalidRequest);
  EXPECT_TRUE(SetLabel("qa", "l7", 0).ok());
  EXPECT_TRUE(SetLabel("qa", "more", 1).ok());
}

TEST_F(SqliteProgramStoreTest, ListsByNameInPages) {
  for (const char* id : {"d", "b", "a", "c", "e"}) ASSERT_TRUE(Create(id).ok());
  ASSERT_TRUE(Update("b", "two").ok());
  ASSERT_TRUE(Create("x", "one", As("other")).ok());
  const auto first = io_.Await(store_->List("default", "", 3));
  ASSERT_TRUE(first.ok());
  EXPECT_TRUE(first->more);
  ASSERT_EQ(first->programs.size(), 3u);
  EXPECT_EQ(first->programs[0].name(), "programs/a");
  EXPECT_EQ(first->programs[1].name(), "programs/b");
  EXPECT_EQ(first->programs[1].revision(), 2);
  const auto rest = io_.Await(store_->List("default", "c", 2));
  EXPECT_FALSE(rest->more);
  ASSERT_EQ(rest->programs.size(), 2u);
  EXPECT_EQ(rest->programs[1].name(), "programs/e");
}

TEST_F(SqliteProgramStoreTest, ListsRevisionsNewestFirst) {
  ASSERT_TRUE(Create("qa", "1").ok());
  for (int i = 2; i <= 5; ++i) ASSERT_TRUE(Update("qa", absl::StrCat(i)).ok());
  const auto first = io_.Await(store_->ListRevisions("default", "qa", 0, 2));
  ASSERT_TRUE(first.ok());
  EXPECT_TRUE(first->more);
  ASSERT_EQ(first->programs.size(), 2u);
  EXPECT_EQ(first->programs[0].name(), "programs/qa@5");
  EXPECT_EQ(first->programs[1].description(), "4");
  const auto rest = io_.Await(store_->ListRevisions("default", "qa", 4, 10));
  EXPECT_FALSE(rest->more);
  ASSERT_EQ(rest->programs.size(), 3u);
  EXPECT_EQ(rest->programs[2].name(), "programs/qa@1");
}

// A page must get through a client that takes 4 MiB.
TEST_F(SqliteProgramStoreTest, PagesAreBoundedInBytes) {
  for (const char* id : {"a", "b", "c", "d"}) ASSERT_TRUE(Create(id, std::string(std::size_t{2} << 20, 'x')).ok());
  std::string after;
  for (const char* id : {"a", "b", "c", "d"}) {
    const auto page = io_.Await(store_->List("default", after, 10));
    ASSERT_TRUE(page.ok());
    ASSERT_EQ(page->programs.size(), 1u);
    EXPECT_EQ(page->programs[0].name(), absl::StrCat("programs/", id));
    EXPECT_EQ(page->more, *id != 'd');
    after = id;
  }
}

TEST_F(SqliteProgramStoreTest, TenantsDoNotSeeEachOther) {
  ASSERT_TRUE(Create("qa", "ours", As("us", "r1")).ok());
  ASSERT_TRUE(Create("qa", "theirs", As("them", "r1", "other")).ok());
  EXPECT_EQ(Get("qa", {}, "us")->description(), "ours");
  EXPECT_EQ(Get("qa", {}, "them")->description(), "theirs");
  ASSERT_TRUE(Delete("qa", "", As("them")).ok());
  EXPECT_TRUE(Get("qa", {}, "us").ok());
  EXPECT_EQ(ErrorReason(Get("qa").status()), reason::kProgramNotFound);
}

TEST_F(SqliteProgramStoreTest, ARepeatedRequestGetsItsAnswerAndChangesNothing) {
  const auto created = Create("qa", "one", As("default", "r1", "hash of create"));
  const auto updated = Update("qa", "two", "", As("default", "r2", "hash of update", "U"));
  ASSERT_TRUE(Update("qa", "three").ok());
  OpenStore();
  EXPECT_EQ(Bytes(Create("qa", "one", As("default", "r1", "hash of create"))), Bytes(created));
  // Although its etag is old by now.
  EXPECT_EQ(Bytes(Update("qa", "two", created->etag(), As("default", "r2", "hash of update", "U"))), Bytes(updated));
  EXPECT_EQ(Get("qa")->description(), "three");
  ASSERT_TRUE(Delete("qa", "", As("default", "r3", "hash of delete", "D")).ok());
  ASSERT_TRUE(Create("qa", "new").ok());
  EXPECT_TRUE(Delete("qa", "", As("default", "r3", "hash of delete", "D")).ok());
  EXPECT_EQ(Get("qa")->description(), "new");
}

TEST_F(SqliteProgramStoreTest, ARequestIdIsForOneRequest) {
  ASSERT_TRUE(Create("qa", "one", As("default", "r1", "h1")).ok());
  for (const absl::Status& refused : {Create("other", "one", As("default", "r1", "h2")).status(),
                                      Update("qa", "two", "", As("default", "r1", "h1", "U")).status(),
                                      Delete("qa", "", As("default", "r1", "h3", "D"))}) {
    EXPECT_EQ(refused.code(), absl::StatusCode::kAlreadyExists);
    EXPECT_EQ(ErrorReason(refused), reason::kRequestIdReused);
    EXPECT_EQ(ErrorMetadata(refused, "request_id"), "r1");
  }
  EXPECT_EQ(Get("qa")->revision(), 1);
}

TEST_F(SqliteProgramStoreTest, ARequestIdIsForgottenAfterADay) {
  ASSERT_TRUE(Create("a", "one", As("default", "r1", "h1")).ok());
  Pass(absl::Hours(23));
  EXPECT_EQ(ErrorReason(Create("b", "one", As("default", "r1", "h2")).status()), reason::kRequestIdReused);
  Pass(absl::Hours(2));
  EXPECT_TRUE(Create("b", "one", As("default", "r1", "h2")).ok());
  EXPECT_TRUE(Create("c", "one", As("default", "r2", "h3")).ok());
  Pass(absl::Hours(25));
  EXPECT_TRUE(Create("d", "one", As("default", "r3", "h4")).ok());
  database_->WithWriterForTest([](SQLite::Database& db) {
    EXPECT_EQ(db.execAndGet("SELECT group_concat(request_id) FROM requests").getString(), "r3");
  });
}

TEST_F(SqliteProgramStoreTest, AFailedRequestMayBeSentAgain) {
  EXPECT_EQ(ErrorReason(Update("qa", "two", "", As("default", "r1")).status()), reason::kProgramNotFound);
  ASSERT_TRUE(Create("qa").ok());
  EXPECT_EQ(Update("qa", "two", "", As("default", "r1"))->revision(), 2);
}

TEST_F(SqliteProgramStoreTest, KeepsEverythingOverARestart) {
  ASSERT_TRUE(Create("qa", "one").ok());
  ASSERT_TRUE(Update("qa", "two").ok());
  const auto before = SetLabel("qa", "prod", 1);
  ASSERT_TRUE(Create("gone").ok());
  ASSERT_TRUE(Delete("gone").ok());
  OpenStore();
  EXPECT_EQ(Bytes(Get("qa")), Bytes(before));
  EXPECT_EQ(Get("qa", {.revision = 0, .label = "prod"})->description(), "one");
  EXPECT_EQ(Create("gone")->revision(), 2);
}

// A newer server's fields are there again after a downgrade and an upgrade.
TEST_F(SqliteProgramStoreTest, KeepsFieldsItDoesNotKnow) {
  v1::Program program = MakeProgram("one");
  v1::Program::GetReflection()->MutableUnknownFields(&program)->AddLengthDelimited(4000, "from the future");
  ASSERT_TRUE(io_.Await(store_->Create(As("default"), "qa", program)).ok());
  ASSERT_TRUE(io_.Await(store_->Update(As("default"), "qa", "",
                                       [](const v1::Program& current) {
                                         v1::Program changed = current;
                                         changed.set_description("two");
                                         return absl::StatusOr<v1::Program>(changed);
                                       }))
                  .ok());
  const auto read = Get("qa");
  EXPECT_EQ(read->description(), "two");
  const auto& unknown = v1::Program::GetReflection()->GetUnknownFields(*read);
  ASSERT_EQ(unknown.field_count(), 1);
  EXPECT_EQ(unknown.field(0).length_delimited(), "from the future");
}

TEST_F(SqliteProgramStoreTest, WhatTheClientSaysOfServerFieldsIsNotStored) {
  v1::Program program = MakeProgram("one");
  program.set_name("programs/other");
  program.set_revision(77);
  program.set_etag("mine");
  (*program.mutable_labels())["prod"] = 9;
  const auto created = io_.Await(store_->Create(As("default"), "qa", program));
  EXPECT_EQ(created->name(), "programs/qa");
  EXPECT_EQ(created->revision(), 1);
  EXPECT_NE(created->etag(), "mine");
  EXPECT_TRUE(created->labels().empty());
  EXPECT_EQ(io_.Await(store_->Update(As("default"), "qa", "", SetTo(program)))->revision(), 1);
}

TEST_F(SqliteProgramStoreTest, AChangeThatFailsLeavesTheProgram) {
  ASSERT_TRUE(Create("qa").ok());
  const auto failed = io_.Await(store_->Update(As("default"), "qa", "", [](const v1::Program& current) {
    EXPECT_EQ(current.description(), "one");
    return absl::StatusOr<v1::Program>(absl::InvalidArgumentError("no"));
  }));
  EXPECT_EQ(failed.status(), absl::InvalidArgumentError("no"));
  EXPECT_EQ(Get("qa")->revision(), 1);
}

TEST_F(SqliteProgramStoreTest, SaysWhenAStoredProgramIsDamaged) {
  ASSERT_TRUE(Create("qa").ok());
  database_->WithWriterForTest([](SQLite::Database& db) { db.exec("UPDATE revisions SET definition = x'ffff'"); });
  const absl::Status damaged = Get("qa").status();
  EXPECT_EQ(damaged.code(), absl::StatusCode::kInternal);
  EXPECT_EQ(ErrorReason(damaged), reason::kStorage);
  EXPECT_EQ(ErrorMetadata(damaged, "program"), "programs/qa");
}

class Recorder : public ProgramObserver {
 public:
  void OnProgramChanged(absl::string_view tenant, absl::string_view id) override {
    changes.push_back(absl::StrCat(tenant, "/", id));
  }
  std::vector<std::string> changes;
};

TEST_F(SqliteProgramStoreTest, TellsItsObserverOfChangesBeforeItAnswers) {
  Recorder recorder;
  store_->SetObserver(&recorder);
  ASSERT_TRUE(Create("qa").ok());
  EXPECT_THAT(recorder.changes, ElementsAre("default/qa"));
  ASSERT_TRUE(Create("b", "one", As("us")).ok());
  EXPECT_FALSE(Create("qa").ok());
  ASSERT_TRUE(SetLabel("qa", "prod", 1).ok());
  ASSERT_TRUE(Delete("qa").ok());
  EXPECT_THAT(recorder.changes, ElementsAre("default/qa", "us/b", "default/qa", "default/qa"));
  store_->SetObserver(nullptr);
  ASSERT_TRUE(Create("qa").ok());
  EXPECT_EQ(recorder.changes.size(), 4u);
}

// Eight clients at once: every answered update has a revision of its own, none is missing, each has the contents that
// its client sent.
TEST_F(SqliteProgramStoreTest, ConcurrentUpdatesGetRevisionsWithoutGaps) {
  const unsigned seed = std::random_device()();
  SCOPED_TRACE(absl::StrCat("seed ", seed));
  constexpr int kThreads = 8;
  constexpr int kWrites = 60;
  const std::vector<std::string> ids = {"a", "b", "c"};
  struct Answer {
    std::string id;
    std::int64_t revision;
    std::string description;
  };
  std::vector<std::vector<Answer>> answers(kThreads);
  std::vector<std::thread> threads;
  for (int t = 0; t < kThreads; ++t) {
    threads.emplace_back([&, t] {
      std::mt19937 random(seed + static_cast<unsigned>(t));
      for (int i = 0; i < kWrites; ++i) {
        const std::string& id = ids[random() % ids.size()];
        const std::string description = absl::StrCat(t, ".", i);
        auto answer = Create(id, description);
        if (absl::IsAlreadyExists(answer.status())) answer = Update(id, description);
        ASSERT_TRUE(answer.ok()) << answer.status();
        answers[static_cast<std::size_t>(t)].push_back({id, answer->revision(), description});
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  std::map<std::string, std::map<std::int64_t, std::string>> revisions;
  for (const auto& of_thread : answers) {
    for (const Answer& answer : of_thread) {
      EXPECT_TRUE(revisions[answer.id].emplace(answer.revision, answer.description).second)
          << answer.id << "@" << answer.revision << " was given twice";
    }
  }
  OpenStore();
  std::size_t total = 0;
  for (const auto& [id, of_program] : revisions) {
    EXPECT_EQ(of_program.begin()->first, 1);
    EXPECT_EQ(of_program.rbegin()->first, static_cast<std::int64_t>(of_program.size()));
    total += of_program.size();
    for (const auto& [revision, description] : of_program) {
      EXPECT_EQ(Get(id, {.revision = revision, .label = ""})->description(), description);
    }
  }
  EXPECT_EQ(total, static_cast<std::size_t>(kThreads * kWrites));
}

}  // namespace
}  // namespace dspex
