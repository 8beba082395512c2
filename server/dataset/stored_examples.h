#pragma once

#include <absl/strings/string_view.h>

#include <cstdint>
#include <memory>
#include <string>

#include "engine/base/task.h"
#include "engine/dataset/examples.h"
#include "server/dataset/dataset_name.h"
#include "server/dataset/split_orders.h"
#include "server/store/dataset_store.h"

namespace dspex {

/// Examples of a version that is pinned: what is appended to the dataset later is not among them.
struct PinnedExamples {
  /// "datasets/qa@3".
  std::string name;
  /// Reads a few dozen examples ahead. Once the dataset is deleted, Get answers NOT_FOUND / DATASET_NOT_FOUND.
  std::shared_ptr<const Examples> examples;
};

/// The examples of a dataset's version, of its `split` only unless that is empty, and of those the first `limit` unless
/// that is 0. NOT_FOUND / DATASET_NOT_FOUND, DATASET_VERSION_NOT_FOUND, SPLIT_NOT_FOUND; FAILED_PRECONDITION /
/// DATASET_EMPTY if the dataset has no version yet. `store` outlives the examples, `orders` the task.
Task<PinnedExamples> OpenExamples(DatasetStore& store, SplitOrders& orders, std::string tenant, DatasetName name,
                                  std::string split, std::int64_t limit);

}  // namespace dspex
