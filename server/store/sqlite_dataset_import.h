#pragma once

#include <absl/base/thread_annotations.h>
#include <absl/container/flat_hash_map.h>
#include <absl/time/time.h>

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "engine/base/mutex.h"
#include "server/store/dataset_store.h"
#include "server/store/example_digest.h"
#include "server/store/sqlite_database.h"

namespace dspex {

/// The imports that are under way, by dataset, with the generations they write to. Thread-safe.
class ActiveImports {
 public:
  bool HasDataset(std::int64_t dataset) const;
  bool HasGeneration(std::int64_t generation) const;
  void Add(std::int64_t dataset, std::int64_t generation);
  void Remove(std::int64_t dataset);

 private:
  mutable Mutex mutex_;
  absl::flat_hash_map<std::int64_t, std::int64_t> generations_ ABSL_GUARDED_BY(mutex_);
};

/// An import, shared by who holds it and its writes that are queued; active as long as there is one of them. Made and
/// changed on the writer's thread.
struct ImportState {
  ~ImportState() {
    if (active != nullptr) active->Remove(dataset);
  }

  /// Null for the repetition of a request that was answered: nothing is stored.
  std::shared_ptr<ActiveImports> active;
  std::int64_t dataset = 0;
  std::int64_t generation = 0;
  /// The index of the first example.
  std::int64_t first = 0;
  std::int64_t added = 0;
  /// Of the whole version.
  ExampleDigest digest;
  /// Of what was added, where the request has an id.
  ExampleDigest content;
};

/// Begins an import; null if examples that belong to no version must be removed first. Throws SQLite::Exception.
absl::StatusOr<std::shared_ptr<ImportState>> StartImportIn(SQLite::Database& db, const WriteRequest& request,
                                                           const std::string& id, bool replace, absl::Time now,
                                                           const std::shared_ptr<ActiveImports>& active);

/// The import that `state` is. `database` outlives it.
std::unique_ptr<DatasetImport> MakeSqliteDatasetImport(SqliteDatabase& database, WriteRequest request, std::string id,
                                                       std::shared_ptr<ImportState> state,
                                                       std::function<absl::Time()> now);

}  // namespace dspex
