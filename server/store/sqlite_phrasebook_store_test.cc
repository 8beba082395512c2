#include "server/store/sqlite_phrasebook_store.h"

#include <absl/strings/str_cat.h>
#include <gtest/gtest.h>

#include "engine/base/error.h"
#include "server/store/sqlite_program_store.h"
#include "server/store/sqlite_statement.h"
#include "server/store/store_testing.h"

namespace dspex {
namespace {

v1::Phrasebook MakePhrasebook(const std::string& contents) {
  v1::Phrasebook phrasebook;
  phrasebook.set_contents_json(contents);
  phrasebook.set_digest(absl::StrCat("digest of ", contents));
  return phrasebook;
}

class SqlitePhrasebookStoreTest : public ::testing::Test {
 protected:
  void Open(SqliteSchema schema = ServerSchema()) {
    store_.reset();
    database_.reset();
    database_ = SqliteDatabase::Open({.directory = folder_.path(), .schema = schema}, pool_).value();
    store_ = MakeSqlitePhrasebookStore(*database_, [] { return absl::FromUnixSeconds(1'700'000'000); });
  }

  absl::StatusOr<v1::Phrasebook> Create(const std::string& id, const std::string& contents,
                                        const std::string& tenant = "default") {
    return io_.Await(store_->Create(tenant, id, MakePhrasebook(contents)));
  }

  TemporaryFolder folder_;
  BlockingPool pool_{{}};
  TestPool io_;
  std::unique_ptr<SqliteDatabase> database_;
  std::unique_ptr<PhrasebookStore> store_;
};

TEST_F(SqlitePhrasebookStoreTest, KeepsWhatWasStoredOverARestart) {
  Open();
  const absl::StatusOr<v1::Phrasebook> created = Create("dspy-3.4.1", "{\"a\": \"é\"}");
  ASSERT_TRUE(created.ok()) << created.status();
  EXPECT_EQ(created->name(), "phrasebooks/dspy-3.4.1");
  EXPECT_EQ(created->create_time().seconds(), 1'700'000'000);
  ASSERT_TRUE(Create("another", "{}").ok());
  ASSERT_TRUE(Create("dspy-3.4.1", "{}", "other tenant").ok());
  Open();
  const auto all = store_->ReadAll("default");
  ASSERT_TRUE(all.ok()) << all.status();
  ASSERT_EQ(all->size(), 2u);
  EXPECT_EQ((*all)[0].name(), "phrasebooks/another");
  EXPECT_EQ((*all)[1].SerializeAsString(), created->SerializeAsString());
}

TEST_F(SqlitePhrasebookStoreTest, APhrasebookNeverChanges) {
  Open();
  const absl::StatusOr<v1::Phrasebook> first = Create("book", "one");
  const absl::StatusOr<v1::Phrasebook> again = Create("book", "one");
  ASSERT_TRUE(again.ok()) << again.status();
  EXPECT_EQ(again->SerializeAsString(), first->SerializeAsString());
  const absl::Status changed = Create("book", "two").status();
  EXPECT_EQ(changed.code(), absl::StatusCode::kAlreadyExists);
  EXPECT_EQ(ErrorReason(changed), "PHRASEBOOK_EXISTS");
  EXPECT_EQ(ErrorMetadata(changed, "phrasebook"), "phrasebooks/book");
  EXPECT_EQ((*store_->ReadAll("default"))[0].contents_json(), "one");
}

TEST_F(SqlitePhrasebookStoreTest, ThereIsALimitOnTheirNumber) {
  Open();
  for (int i = 0; i < PhrasebookStore::kMaxPhrasebooks; ++i) ASSERT_TRUE(Create(absl::StrCat("book", i), "x").ok());
  EXPECT_EQ(ErrorReason(Create("more", "x").status()), "TOO_MANY_PHRASEBOOKS");
  EXPECT_TRUE(Create("book7", "x").ok()) << "it is there";
}

TEST_F(SqlitePhrasebookStoreTest, ADatabaseOfTheVersionBeforeOpensWithItsPrograms) {
  SqliteSchema before = ServerSchema();
  before.migrations = before.migrations.first(1);
  Open(before);
  v1::Program program;
  program.set_description("from before");
  const auto programs = MakeSqliteProgramStore(*database_);
  ASSERT_TRUE(io_.Await(programs->Create({"default", "", "", ""}, "qa", program)).ok());
  Open();
  ASSERT_TRUE(Create("book", "x").ok());
  const auto found = io_.Await(MakeSqliteProgramStore(*database_)->Get("default", "qa", {}));
  ASSERT_TRUE(found.ok()) << found.status();
  EXPECT_EQ(found->description(), "from before");
}

}  // namespace
}  // namespace dspex
