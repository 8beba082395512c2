#pragma once

#include <absl/time/clock.h>
#include <absl/time/time.h>

#include <functional>
#include <memory>

#include "server/store/dataset_store.h"
#include "server/store/sqlite_database.h"

namespace dspex {

/// Datasets in SQLite. `database` outlives the store. `now` gives the times that are stored.
std::unique_ptr<DatasetStore> MakeSqliteDatasetStore(SqliteDatabase& database,
                                                     std::function<absl::Time()> now = absl::Now);

}  // namespace dspex
