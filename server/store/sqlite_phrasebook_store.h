#pragma once

#include <absl/time/clock.h>
#include <absl/time/time.h>

#include <functional>
#include <memory>

#include "server/store/phrasebook_store.h"
#include "server/store/sqlite_database.h"

namespace dspex {

/// Phrasebooks in SQLite. `database` outlives the store. `now` gives the times that are stored.
std::unique_ptr<PhrasebookStore> MakeSqlitePhrasebookStore(SqliteDatabase& database,
                                                           std::function<absl::Time()> now = absl::Now);

}  // namespace dspex
