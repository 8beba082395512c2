#pragma once

#include <absl/time/clock.h>
#include <absl/time/time.h>

#include <functional>
#include <memory>

#include "server/job/job_store.h"
#include "server/store/program_changes.h"
#include "server/store/sqlite_database.h"

namespace dspex {

/// Jobs in SQLite. `database` outlives the store, and has the programs too. `changes` is told of the programs that jobs
/// change, with the one of the program store. `now` gives the times that are stored and by which leases run out.
std::unique_ptr<JobStore> MakeSqliteJobStore(SqliteDatabase& database, std::shared_ptr<ProgramChanges> changes,
                                             std::function<absl::Time()> now = absl::Now);

}  // namespace dspex
