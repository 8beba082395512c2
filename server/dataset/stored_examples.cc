#include "server/dataset/stored_examples.h"

#include <absl/base/thread_annotations.h>
#include <absl/strings/str_cat.h>

#include <list>
#include <utility>
#include <vector>

#include "engine/base/error.h"
#include "engine/base/mutex.h"
#include "engine/base/reasons.h"

namespace dspex {

namespace {

// A few examples more than what an evaluation has under way; and what they may take.
constexpr std::int64_t kAhead = 64;
constexpr std::size_t kMaxAheadBytes = std::size_t{1} << 20;
constexpr std::size_t kMaxPages = 8;

class StoredExamples final : public Examples {
 public:
  StoredExamples(DatasetStore& store, std::int64_t generation, ExampleOrder order, std::vector<std::string> input_keys)
      : store_(store), generation_(generation), order_(std::move(order)), input_keys_(std::move(input_keys)) {}

  std::int64_t size() const override { return order_.size(); }
  const std::vector<std::string>& input_keys() const override { return input_keys_; }

  Task<Example> Get(std::int64_t index) const override {
    std::shared_ptr<const Page> page = Find(index);
    if (page == nullptr) {
      absl::StatusOr<std::vector<StoredExample>> read =
          co_await store_.Read(generation_, order_.IndicesFrom(index, kAhead), kMaxAheadBytes);
      if (!read.ok()) co_return read.status();
      page = Keep(Page{index, *std::move(read)});
    }
    const StoredExample& stored = page->examples[static_cast<std::size_t>(index - page->first)];
    absl::StatusOr<Json> fields = ParseJson(stored.fields_json);
    if (!fields.ok()) {
      co_return Error(absl::StatusCode::kInternal, reason::kStorage,
                      absl::StrCat("The stored example ", stored.id, " is damaged."))
          .With("id", stored.id);
    }
    co_return Example{stored.id, *std::move(fields)};
  }

 private:
  /// Examples that follow one another in the order.
  struct Page {
    std::int64_t first = 0;
    std::vector<StoredExample> examples;
  };

  std::shared_ptr<const Page> Find(std::int64_t index) const {
    MutexLock lock(&mutex_);
    for (auto page = pages_.begin(); page != pages_.end(); ++page) {
      const std::int64_t place = index - (*page)->first;
      if (place < 0 || place >= static_cast<std::int64_t>((*page)->examples.size())) continue;
      pages_.splice(pages_.begin(), pages_, page);
      return pages_.front();
    }
    return nullptr;
  }

  std::shared_ptr<const Page> Keep(Page page) const {
    auto kept = std::make_shared<const Page>(std::move(page));
    MutexLock lock(&mutex_);
    pages_.push_front(kept);
    if (pages_.size() > kMaxPages) pages_.pop_back();
    return kept;
  }

  DatasetStore& store_;
  const std::int64_t generation_;
  const ExampleOrder order_;
  const std::vector<std::string> input_keys_;
  mutable Mutex mutex_;
  /// The last used first.
  mutable std::list<std::shared_ptr<const Page>> pages_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace

Task<PinnedExamples> OpenExamples(DatasetStore& store, SplitOrders& orders, std::string tenant, DatasetName name,
                                  std::string split, std::int64_t limit) {
  const absl::StatusOr<StoredDataset> stored = co_await store.Get(std::move(tenant), name.id, name.version);
  if (!stored.ok()) co_return stored.status();
  const v1::Dataset& dataset = stored->dataset;
  if (dataset.version() == 0) {
    co_return Error(absl::StatusCode::kFailedPrecondition, reason::kDatasetEmpty,
                    absl::StrCat("The dataset ", dataset.name(), " has no examples yet. Import some first."))
        .With("dataset", dataset.name());
  }
  absl::StatusOr<ExampleOrder> order = co_await orders.Find(dataset, split);
  if (!order.ok()) co_return order.status();
  if (limit > 0) order->Limit(limit);
  std::vector<std::string> input_keys(dataset.input_keys().begin(), dataset.input_keys().end());
  co_return PinnedExamples{
      absl::StrCat("datasets/", name.id, "@", dataset.version()),
      std::make_shared<StoredExamples>(store, stored->generation, *std::move(order), std::move(input_keys))};
}

}  // namespace dspex
