#pragma once

#include <absl/base/thread_annotations.h>

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "dspex/v1/dataset_service.pb.h"
#include "engine/base/mutex.h"
#include "engine/base/task.h"
#include "server/store/blocking_pool.h"

namespace dspex {

/// Some examples of a dataset, in an order.
class ExampleOrder {
 public:
  ExampleOrder() = default;
  /// The first `size`, as they are.
  explicit ExampleOrder(std::int64_t size) : size_(size) {}
  /// `size` of a shuffled dataset, from `first` on.
  ExampleOrder(std::shared_ptr<const std::vector<std::int32_t>> shuffled, std::int64_t first, std::int64_t size)
      : shuffled_(std::move(shuffled)), first_(first), size_(size) {}

  std::int64_t size() const { return size_; }
  /// The example's index in the dataset; `place` is below size().
  std::int64_t IndexOf(std::int64_t place) const {
    return shuffled_ == nullptr ? place : (*shuffled_)[static_cast<std::size_t>(first_ + place)];
  }
  /// The indices of at most `count` places from `place` on.
  std::vector<std::int64_t> IndicesFrom(std::int64_t place, std::int64_t count) const;
  /// Without what comes after the first `limit`.
  void Limit(std::int64_t limit) { size_ = limit < size_ ? limit : size_; }

 private:
  std::shared_ptr<const std::vector<std::int32_t>> shuffled_;
  std::int64_t first_ = 0;
  std::int64_t size_ = 0;
};

/// Fills in how many examples each split has.
void CountSplits(v1::Dataset& dataset);

/// The orders of datasets' splits. The last shuffle is kept: who reads a dataset asks for it again and again.
/// Thread-safe.
class SplitOrders {
 public:
  /// Shuffles on `pool`, which outlives this.
  explicit SplitOrders(BlockingPool& pool) : pool_(pool) {}

  /// The examples of a split, or all of them if `split` is empty. NOT_FOUND / SPLIT_NOT_FOUND, metadata `dataset` and
  /// `split`.
  Task<ExampleOrder> Find(const v1::Dataset& dataset, const std::string& split);

 private:
  using Shuffled = std::shared_ptr<const std::vector<std::int32_t>>;

  Task<Shuffled> Shuffle(std::int64_t seed, std::int64_t count);

  BlockingPool& pool_;
  Mutex mutex_;
  std::int64_t seed_ ABSL_GUARDED_BY(mutex_) = 0;
  Shuffled last_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace dspex
