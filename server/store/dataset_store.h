#pragma once

#include <absl/status/statusor.h>
#include <absl/strings/string_view.h>

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "dspex/v1/dataset_service.pb.h"
#include "engine/base/task.h"
#include "server/store/program_store.h"

namespace dspex {

/// A version of a dataset with where its examples are.
struct StoredDataset {
  /// As clients see it, with the name that was asked for, but for the counts of splits. Without a version, `version` is
  /// 0 and there are no examples.
  v1::Dataset dataset;
  /// Names a list of examples that only grows. The version is its first `dataset.example_count`.
  std::int64_t generation = 0;
  /// The input keys that the dataset was made with, where `dataset` shows those of the version.
  std::vector<std::string> own_input_keys;
};

/// An example as it is stored.
struct StoredExample {
  std::string id;
  /// A JSON object.
  std::string fields_json;
  std::int64_t index = 0;
};

/// An example to be stored.
struct NewExample {
  /// Empty: its number in the dataset, from 1. Either all examples of a dataset have ids of their own or none has.
  std::string id;
  /// A JSON object.
  std::string fields_json;
};

/// Part of a list.
struct DatasetPage {
  std::vector<v1::Dataset> datasets;
  /// Whether more follow.
  bool more = false;
};

/// An import that is under way. Nobody sees its examples before Finish, nor ever if it dies before; what it wrote is
/// then for Sweep to remove. One call at a time.
class DatasetImport {
 public:
  virtual ~DatasetImport() = default;

  /// Adds examples after those added before. INVALID_ARGUMENT / DUPLICATE_ID, metadata `id` and `batch_index` (of the
  /// example within the batch); FAILED_PRECONDITION / TOO_MANY_EXAMPLES, metadata `limit`. After an error the import is
  /// done for.
  virtual StatusTask Add(std::vector<NewExample> batch) = 0;

  /// Makes the next version. `input_keys` are what it shows for them. DATASET_NOT_FOUND if the dataset is gone.
  virtual Task<v1::Dataset> Finish(std::vector<std::string> input_keys) = 0;

  /// How many were added.
  virtual std::int64_t added() const = 0;
};

/// Keeps datasets: lists of examples in numbered versions that never change. Thread-safe.
///
/// Names are those within a tenant. Version numbers never repeat under a name, even when the dataset is deleted and
/// made anew. Versions that are made by appending share the examples of those before.
///
/// Errors: NOT_FOUND / DATASET_NOT_FOUND and DATASET_VERSION_NOT_FOUND, ALREADY_EXISTS / DATASET_EXISTS (metadata:
/// dataset, version), RESOURCE_EXHAUSTED / SERVER_OVERLOADED, INTERNAL / STORAGE_FAILED. A cancelled caller gets
/// kCancelled; its write may be done all the same.
class DatasetStore {
 public:
  virtual ~DatasetStore() = default;

  virtual Task<v1::Dataset> Create(WriteRequest request, std::string id, v1::Dataset dataset) = 0;

  /// Version 0 is the newest, or the dataset without one.
  virtual Task<StoredDataset> Get(std::string tenant, std::string id, std::int64_t version) = 0;

  /// The newest versions of datasets whose id comes after `after`, by id; at most `limit`, and fewer where the page
  /// would become large.
  virtual Task<DatasetPage> List(std::string tenant, std::string after, int limit) = 0;

  /// Deletes a dataset with its versions; Sweep removes the examples.
  virtual StatusTask Delete(WriteRequest request, std::string id) = 0;

  /// Begins an import: after the examples of the newest version, or in place of them. ABORTED / IMPORT_UNDER_WAY if the
  /// dataset has one. The store outlives it. With a request_id that was answered before, nothing is stored: Finish
  /// gives that answer if the examples are the same, and REQUEST_ID_REUSED if not. `request.hash` is that of all but
  /// the examples.
  virtual Task<std::unique_ptr<DatasetImport>> StartImport(WriteRequest request, std::string id, bool replace) = 0;

  /// The examples of these indices, in this order; fewer, but at least one, where they would take more than
  /// `max_bytes`. DATASET_NOT_FOUND if one is not there: the dataset was deleted.
  virtual Task<std::vector<StoredExample>> Read(std::int64_t generation, std::vector<std::int64_t> indices,
                                                std::size_t max_bytes) = 0;

  /// Removes the examples of deleted datasets and of imports that ended without a version, a few hundred in each
  /// transaction. To be called at the start, and after a deletion or a failed import.
  virtual StatusTask Sweep() = 0;

  /// Examples of a dataset.
  static constexpr std::int64_t kMaxExamples = 10'000'000;
};

/// NOT_FOUND / DATASET_NOT_FOUND for "datasets/{id}".
absl::Status DatasetNotFound(absl::string_view id);

/// ALREADY_EXISTS / DATASET_EXISTS for "datasets/{id}".
absl::Status DatasetExists(absl::string_view id);

}  // namespace dspex
