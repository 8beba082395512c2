#include "server/store/sqlite_dataset_store.h"

#include <SQLiteCpp/SQLiteCpp.h>
#include <absl/strings/str_cat.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>
#include <random>

#include "engine/base/error.h"
#include "server/store/store_testing.h"

namespace dspex {
namespace {

using ::testing::ElementsAre;

constexpr std::size_t kNoLimit = std::size_t{1} << 30;

WriteRequest As(const std::string& tenant, const std::string& request_id = "") {
  return {tenant, request_id, "M", "h"};
}

std::vector<NewExample> Examples(int from, int count, bool ids = false) {
  std::vector<NewExample> examples;
  for (int i = from; i < from + count; ++i) {
    examples.push_back({ids ? absl::StrCat("id-", i) : "", absl::StrCat("{\"n\":", i, "}")});
  }
  return examples;
}

class SqliteDatasetStoreTest : public ::testing::Test {
 protected:
  SqliteDatasetStoreTest() { OpenStore(); }

  void OpenStore() {
    store_.reset();
    database_.reset();
    database_ = SqliteDatabase::Open({.directory = folder_.path()}, pool_).value();
    store_ = MakeSqliteDatasetStore(*database_, [] { return absl::FromUnixSeconds(1'700'000'000); });
  }

  void Create(const std::string& id) {
    v1::Dataset dataset;
    dataset.set_signature("n: int -> m: int");
    const auto created = io_.Await(store_->Create(As("default"), id, dataset));
    ASSERT_TRUE(created.ok()) << created.status();
  }
  std::unique_ptr<DatasetImport> Start(const std::string& id, bool replace = false,
                                       const std::string& request_id = "") {
    auto import = io_.Await(store_->StartImport(As("default", request_id), id, replace));
    EXPECT_TRUE(import.ok()) << import.status();
    return import.ok() ? *std::move(import) : nullptr;
  }
  absl::StatusOr<v1::Dataset> Import(const std::string& id, std::vector<std::vector<NewExample>> batches,
                                     bool replace = false, const std::string& request_id = "") {
    const std::unique_ptr<DatasetImport> import = Start(id, replace, request_id);
    for (std::vector<NewExample>& batch : batches) {
      if (absl::Status added = io_.Await(import->Add(std::move(batch))); !added.ok()) return added;
    }
    return io_.Await(import->Finish({"n"}));
  }
  absl::StatusOr<StoredDataset> Get(const std::string& id, std::int64_t version = 0) {
    return io_.Await(store_->Get("default", id, version));
  }
  std::vector<std::string> All(const std::string& id, std::int64_t version = 0) {
    const StoredDataset stored = Get(id, version).value();
    std::vector<std::int64_t> indices;
    for (std::int64_t i = 0; i < stored.dataset.example_count(); ++i) indices.push_back(i);
    std::vector<std::string> all;
    const auto examples = io_.Await(store_->Read(stored.generation, indices, kNoLimit));
    for (const StoredExample& example : *examples) {
      all.push_back(absl::StrCat(example.id, example.fields_json));
    }
    return all;
  }
  void Sweep() {
    const absl::Status swept = io_.Await(store_->Sweep());
    ASSERT_TRUE(swept.ok()) << swept;
  }
  std::int64_t Count(const std::string& table) {
    return io_
        .Await(database_->Read<std::int64_t>([table](SQLite::Database& db) -> absl::StatusOr<std::int64_t> {
          return db.execAndGet("SELECT count(*) FROM " + table).getInt64();
        }))
        .value();
  }

  TemporaryFolder folder_;
  TestPool io_;
  BlockingPool pool_{{}};
  std::unique_ptr<SqliteDatabase> database_;
  std::unique_ptr<DatasetStore> store_;
};

TEST_F(SqliteDatasetStoreTest, AVersionIsThereOnceItsImportIsFinished) {
  Create("qa");
  EXPECT_EQ(Get("qa")->dataset.version(), 0);
  std::unique_ptr<DatasetImport> import = Start("qa");
  ASSERT_TRUE(io_.Await(import->Add(Examples(1, 2))).ok());
  EXPECT_EQ(Get("qa")->dataset.version(), 0);
  ASSERT_TRUE(io_.Await(import->Add(Examples(3, 1))).ok());
  const absl::StatusOr<v1::Dataset> made = io_.Await(import->Finish({"n"}));
  ASSERT_TRUE(made.ok()) << made.status();
  EXPECT_EQ(made->version(), 1);
  EXPECT_EQ(made->example_count(), 3);
  EXPECT_THAT(made->input_keys(), ElementsAre("n"));
  import.reset();
  OpenStore();
  EXPECT_EQ(Get("qa")->dataset.SerializeAsString(), made->SerializeAsString());
  EXPECT_THAT(All("qa"), ElementsAre("1{\"n\":1}", "2{\"n\":2}", "3{\"n\":3}"));
}

TEST_F(SqliteDatasetStoreTest, AppendingSharesExamplesAndReplacingBeginsAnew) {
  Create("qa");
  ASSERT_TRUE(Import("qa", {Examples(1, 2, true)}).ok());
  const absl::StatusOr<v1::Dataset> appended = Import("qa", {Examples(3, 1, true)});
  ASSERT_TRUE(appended.ok()) << appended.status();
  EXPECT_EQ(Count("dataset_examples"), 3);
  ASSERT_TRUE(Import("qa", {Examples(1, 1, true)}, /*replace=*/true).ok());
  EXPECT_THAT(All("qa", 1), ElementsAre("id-1{\"n\":1}", "id-2{\"n\":2}"));
  EXPECT_THAT(All("qa", 2), ElementsAre("id-1{\"n\":1}", "id-2{\"n\":2}", "id-3{\"n\":3}"));
  EXPECT_THAT(All("qa"), ElementsAre("id-1{\"n\":1}"));
  EXPECT_EQ(Get("qa", 2)->dataset.name(), "datasets/qa@2");
  EXPECT_EQ(ErrorReason(Get("qa", 4).status()), "DATASET_VERSION_NOT_FOUND");
  Create("whole");
  EXPECT_EQ(Import("whole", {Examples(1, 3, true)})->digest(), appended->digest()) << "however they came";
  Create("other");
  EXPECT_NE(Import("other", {Examples(1, 3)})->digest(), appended->digest());
}

TEST_F(SqliteDatasetStoreTest, ADuplicateIdEndsTheImportAndLeavesNothing) {
  Create("qa");
  ASSERT_TRUE(Import("qa", {Examples(1, 2, true)}).ok());
  const absl::Status duplicate = Import("qa", {Examples(5, 3, true), {{"new", "{}"}, {"id-2", "{}"}}}).status();
  EXPECT_EQ(ErrorReason(duplicate), "DUPLICATE_ID") << duplicate;
  EXPECT_EQ(ErrorMetadata(duplicate, "id"), "id-2");
  EXPECT_EQ(ErrorMetadata(duplicate, "batch_index"), "1");
  EXPECT_THAT(std::string(duplicate.message()), ::testing::HasSubstr("example 2 "));
  EXPECT_EQ(Get("qa")->dataset.version(), 1);
  Sweep();
  EXPECT_EQ(Count("dataset_examples"), 2);
  EXPECT_TRUE(Import("qa", {Examples(5, 1, true)}).ok());
}

TEST_F(SqliteDatasetStoreTest, WhatAnImportLeftBehindIsRemovedBeforeTheNextAppend) {
  Create("qa");
  ASSERT_TRUE(Import("qa", {Examples(1, 1)}).ok());
  {
    const std::unique_ptr<DatasetImport> abandoned = Start("qa");
    ASSERT_TRUE(io_.Await(abandoned->Add(Examples(100, 1200))).ok());
  }
  OpenStore();  // As after a kill.
  EXPECT_EQ(Count("dataset_examples"), 1201);
  ASSERT_TRUE(Import("qa", {Examples(2, 1)}).ok());
  EXPECT_THAT(All("qa"), ElementsAre("1{\"n\":1}", "2{\"n\":2}"));
  EXPECT_EQ(Count("dataset_examples"), 2);
}

TEST_F(SqliteDatasetStoreTest, SweepLeavesTheImportThatIsUnderWay) {
  Create("qa");
  Create("gone");
  const std::unique_ptr<DatasetImport> import = Start("qa");
  ASSERT_TRUE(io_.Await(import->Add(Examples(1, 700))).ok());
  ASSERT_TRUE(Import("gone", {Examples(1, 800)}).ok());
  ASSERT_TRUE(io_.Await(store_->Delete(As("default"), "gone")).ok());
  Sweep();
  EXPECT_EQ(Count("dataset_examples"), 700);
  EXPECT_EQ(Count("dataset_generations"), 1);
  ASSERT_TRUE(io_.Await(import->Finish({"n"})).ok());
  EXPECT_EQ(All("qa").size(), 700u);
}

TEST_F(SqliteDatasetStoreTest, ADatasetHasOneImportAtATime) {
  Create("qa");
  std::unique_ptr<DatasetImport> import = Start("qa");
  const auto second = io_.Await(store_->StartImport(As("default"), "qa", false));
  EXPECT_EQ(ErrorReason(second.status()), "IMPORT_UNDER_WAY");
  import.reset();
  EXPECT_NE(Start("qa"), nullptr);
}

TEST_F(SqliteDatasetStoreTest, ADeletedDatasetTakesItsImportAlongAndItsNumbersAreNotUsedAgain) {
  Create("qa");
  ASSERT_TRUE(Import("qa", {Examples(1, 2)}).ok());
  const StoredDataset before = Get("qa").value();
  std::unique_ptr<DatasetImport> import = Start("qa");
  ASSERT_TRUE(io_.Await(import->Add(Examples(3, 2))).ok());
  ASSERT_TRUE(io_.Await(store_->Delete(As("default"), "qa")).ok());
  Create("qa");
  EXPECT_EQ(ErrorReason(io_.Await(import->Finish({"n"})).status()), "DATASET_NOT_FOUND");
  import.reset();
  EXPECT_EQ(Import("qa", {Examples(9, 1)})->version(), 2);
  Sweep();
  EXPECT_EQ(ErrorReason(io_.Await(store_->Read(before.generation, {0}, kNoLimit)).status()), "DATASET_NOT_FOUND");
  EXPECT_THAT(All("qa"), ElementsAre("1{\"n\":9}"));
}

TEST_F(SqliteDatasetStoreTest, ARepeatedRequestGetsItsAnswerAndStoresNothing) {
  Create("qa");
  const absl::StatusOr<v1::Dataset> first = Import("qa", {Examples(1, 2, true)}, false, "once");
  const absl::StatusOr<v1::Dataset> again = Import("qa", {Examples(1, 1, true), Examples(2, 1, true)}, false, "once");
  ASSERT_TRUE(again.ok()) << again.status();
  EXPECT_EQ(again->SerializeAsString(), first->SerializeAsString());
  EXPECT_EQ(Count("dataset_examples"), 2);
  EXPECT_EQ(ErrorReason(Import("qa", {Examples(7, 1, true)}, false, "once").status()), "REQUEST_ID_REUSED");
}

TEST_F(SqliteDatasetStoreTest, ReadsByIndexAndStopsAtItsLimitOfBytes) {
  Create("qa");
  ASSERT_TRUE(Import("qa", {Examples(0, 1000, true)}).ok());
  const std::int64_t generation = Get("qa")->generation;
  const auto some = io_.Await(store_->Read(generation, {999, 0, 5}, kNoLimit)).value();
  EXPECT_THAT(some, ElementsAre(::testing::Field(&StoredExample::fields_json, "{\"n\":999}"),
                                ::testing::Field(&StoredExample::fields_json, "{\"n\":0}"),
                                ::testing::Field(&StoredExample::id, "id-5")));
  EXPECT_EQ(io_.Await(store_->Read(generation, {1, 2, 3, 4}, 25)).value().size(), 2u);
  EXPECT_EQ(io_.Await(store_->Read(generation, {1, 2, 3, 4}, 1)).value().size(), 1u);
}

TEST_F(SqliteDatasetStoreTest, ListsByNameWithinATenant) {
  for (const char* id : {"c", "a", "b"}) Create(id);
  ASSERT_TRUE(io_.Await(store_->Create(As("other"), "a", {})).ok());
  const DatasetPage page = io_.Await(store_->List("default", "", 2)).value();
  ASSERT_EQ(page.datasets.size(), 2u);
  EXPECT_EQ(page.datasets[1].name(), "datasets/b");
  EXPECT_TRUE(page.more);
  EXPECT_FALSE(io_.Await(store_->List("default", "b", 2)).value().more);
  EXPECT_EQ(ErrorReason(io_.Await(store_->Create(As("default"), "a", {})).status()), "DATASET_EXISTS");
}

}  // namespace
}  // namespace dspex
