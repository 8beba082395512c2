#include "server/dataset/stored_examples.h"

#include <absl/strings/str_cat.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "engine/base/error.h"
#include "server/store/sqlite_dataset_store.h"
#include "server/store/store_testing.h"

namespace dspex {
namespace {

using ::testing::ElementsAre;

class StoredExamplesTest : public ::testing::Test {
 protected:
  void Create(const std::string& id, int count) {
    v1::Dataset dataset;
    dataset.set_split_seed(0);
    for (const auto& [name, weight] : {std::pair("train", 0.6), std::pair("dev", 0.4)}) {
      v1::Split& split = *dataset.add_splits();
      split.set_name(name);
      split.set_weight(weight);
    }
    ASSERT_TRUE(io_.Await(store_->Create({"default", "", "", ""}, id, dataset)).ok());
    Append(id, count);
  }
  void Append(const std::string& id, int count, const std::string& padding = "") {
    if (count == 0) return;
    const auto import = *io_.Await(store_->StartImport({"default", "", "", ""}, id, false));
    std::vector<NewExample> batch;
    for (int i = 0; i < count; ++i) batch.push_back({"", absl::StrCat(R"({"n":)", i, R"(,"p":")", padding, "\"}")});
    ASSERT_TRUE(io_.Await(import->Add(std::move(batch))).ok());
    ASSERT_TRUE(io_.Await(import->Finish({"n"})).ok());
  }
  absl::StatusOr<PinnedExamples> Open(const std::string& name, const std::string& split = "", std::int64_t limit = 0) {
    return io_.Await(
        OpenExamples(*store_, orders_, "default", ParseDatasetName("datasets/" + name, "name").value(), split, limit));
  }
  std::vector<int> All(const absl::StatusOr<PinnedExamples>& pinned) {
    std::vector<int> numbers;
    for (std::int64_t i = 0; i < pinned->examples->size(); ++i) {
      numbers.push_back(io_.Await(pinned->examples->Get(i)).value().fields["n"].get<int>());
    }
    return numbers;
  }

  TemporaryFolder folder_;
  TestPool io_;
  BlockingPool pool_{{}};
  std::unique_ptr<SqliteDatabase> database_ = SqliteDatabase::Open({.directory = folder_.path()}, pool_).value();
  std::unique_ptr<DatasetStore> store_ = MakeSqliteDatasetStore(*database_);
  SplitOrders orders_{pool_};
};

TEST_F(StoredExamplesTest, SplitsAreCutFromPythonsShuffle) {
  Create("qa", 10);
  // random.Random(0).shuffle(list(range(10)))
  EXPECT_THAT(All(Open("qa", "train")), ElementsAre(7, 8, 1, 5, 3, 4));
  EXPECT_THAT(All(Open("qa", "dev")), ElementsAre(2, 0, 9, 6));
  EXPECT_THAT(All(Open("qa", "dev", 2)), ElementsAre(2, 0));
  EXPECT_THAT(All(Open("qa", "", 3)), ElementsAre(0, 1, 2));
  EXPECT_EQ(ErrorReason(Open("qa", "test").status()), "SPLIT_NOT_FOUND");
}

TEST_F(StoredExamplesTest, AreThoseOfTheVersionThatWasPinned) {
  Create("qa", 3);
  const auto pinned = Open("qa");
  EXPECT_EQ(pinned->name, "datasets/qa@1");
  Append("qa", 2);
  EXPECT_EQ(All(pinned).size(), 3u);
  EXPECT_EQ(All(Open("qa@1")).size(), 3u);
  EXPECT_EQ(All(Open("qa")).size(), 5u);
  EXPECT_THAT(pinned->examples->input_keys(), ElementsAre("n"));
}

TEST_F(StoredExamplesTest, AreReadInAnyOrderAlsoWhenTheyAreLarge) {
  Create("qa", 0);
  Append("qa", 40, std::string(100'000, 'x'));
  const auto pinned = Open("qa");
  for (const int index : {39, 0, 20, 19, 21, 38, 1}) {
    EXPECT_EQ(io_.Await(pinned->examples->Get(index)).value().fields["n"], index);
    EXPECT_EQ(io_.Await(pinned->examples->Get(index)).value().id, absl::StrCat(index + 1));
  }
}

TEST_F(StoredExamplesTest, SayWhenTheDatasetIsEmptyOrGone) {
  Create("qa", 0);
  EXPECT_EQ(ErrorReason(Open("qa").status()), "DATASET_EMPTY");
  Append("qa", 100);
  const auto pinned = Open("qa");
  ASSERT_TRUE(io_.Await(pinned->examples->Get(0)).ok());
  ASSERT_TRUE(io_.Await(store_->Delete({"default", "", "", ""}, "qa")).ok());
  ASSERT_TRUE(io_.Await(store_->Sweep()).ok());
  EXPECT_EQ(ErrorReason(io_.Await(pinned->examples->Get(99)).status()), "DATASET_NOT_FOUND");
}

TEST(DatasetNameTest, IsAnIdAndPerhapsAVersion) {
  EXPECT_EQ(ParseDatasetName("datasets/qa@12", "name")->version, 12);
  EXPECT_EQ(ParseDatasetName("datasets/qa", "name")->id, "qa");
  for (const char* bad : {"", "qa", "datasets/", "datasets/Qa", "datasets/qa@", "datasets/qa@0", "datasets/qa@01",
                          "datasets/qa@prod", "programs/qa"}) {
    EXPECT_EQ(ErrorReason(ParseDatasetName(bad, "name").status()), "INVALID_REQUEST") << bad;
  }
  EXPECT_FALSE(ParseWholeDatasetName("datasets/qa@1", "name").ok());
}

}  // namespace
}  // namespace dspex
