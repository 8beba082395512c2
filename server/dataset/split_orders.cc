#include "server/dataset/split_orders.h"

#include <absl/strings/str_cat.h>
#include <absl/strings/str_join.h>

#include <algorithm>
#include <functional>

#include "engine/base/error.h"
#include "engine/base/reasons.h"
#include "engine/dataset/splits.h"

namespace dspex {

namespace {

std::vector<std::int64_t> SizesOf(const v1::Dataset& dataset) {
  std::vector<double> weights;
  for (const v1::Split& split : dataset.splits()) weights.push_back(split.weight());
  return SplitSizes(weights, dataset.example_count());
}

absl::Status SplitNotFound(const v1::Dataset& dataset, absl::string_view split) {
  const absl::string_view shown = split.substr(0, 100);
  std::vector<std::string> names;
  for (const v1::Split& known : dataset.splits()) names.push_back(known.name());
  return Error(absl::StatusCode::kNotFound, reason::kSplitNotFound,
               absl::StrCat("The dataset ", dataset.name(), " has no split \"", shown, "\". ",
                            names.empty() ? "Leave it out, as the dataset has none."
                                          : absl::StrCat("Name one that it has: ", absl::StrJoin(names, ", "), ".")))
      .With("dataset", dataset.name())
      .With("split", shown);
}

}  // namespace

std::vector<std::int64_t> ExampleOrder::IndicesFrom(std::int64_t place, std::int64_t count) const {
  std::vector<std::int64_t> indices;
  const std::int64_t end = std::min(size_, place + count);
  for (; place < end; ++place) indices.push_back(IndexOf(place));
  return indices;
}

void CountSplits(v1::Dataset& dataset) {
  if (dataset.splits().empty()) return;
  const std::vector<std::int64_t> sizes = SizesOf(dataset);
  for (int i = 0; i < dataset.splits_size(); ++i) {
    dataset.mutable_splits(i)->set_example_count(sizes[static_cast<std::size_t>(i)]);
  }
}

Task<ExampleOrder> SplitOrders::Find(const v1::Dataset& dataset, const std::string& split) {
  if (split.empty()) co_return ExampleOrder(dataset.example_count());
  const auto& splits = dataset.splits();
  const auto found =
      std::find_if(splits.begin(), splits.end(), [&split](const v1::Split& known) { return known.name() == split; });
  if (found == splits.end()) co_return SplitNotFound(dataset, split);
  const std::vector<std::int64_t> sizes = SizesOf(dataset);
  std::int64_t first = 0;
  const auto place = found - splits.begin();
  for (std::ptrdiff_t i = 0; i < place; ++i) first += sizes[static_cast<std::size_t>(i)];
  const std::int64_t size = sizes[static_cast<std::size_t>(place)];
  absl::StatusOr<Shuffled> shuffled = co_await Shuffle(dataset.split_seed(), dataset.example_count());
  if (!shuffled.ok()) co_return shuffled.status();
  co_return ExampleOrder(*std::move(shuffled), first, size);
}

Task<SplitOrders::Shuffled> SplitOrders::Shuffle(std::int64_t seed, std::int64_t count) {
  {
    MutexLock lock(&mutex_);
    if (last_ != nullptr && seed_ == seed && last_->size() == static_cast<std::size_t>(count)) co_return last_;
  }
  std::function<absl::StatusOr<Shuffled>()> work = [seed, count]() -> absl::StatusOr<Shuffled> {
    return std::make_shared<const std::vector<std::int32_t>>(ShuffledOrder(seed, count));
  };
  absl::StatusOr<Shuffled> shuffled = co_await pool_.Run<Shuffled>(std::move(work));
  if (!shuffled.ok()) co_return shuffled;
  MutexLock lock(&mutex_);
  seed_ = seed;
  last_ = *shuffled;
  co_return shuffled;
}

}  // namespace dspex
