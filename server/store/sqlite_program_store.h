#pragma once

#include <absl/time/clock.h>
#include <absl/time/time.h>

#include <functional>
#include <memory>

#include "server/store/program_changes.h"
#include "server/store/program_store.h"
#include "server/store/sqlite_database.h"

namespace dspex {

/// Programs in SQLite. `database` outlives the store. `now` gives the times that are stored. `changes` is shared with
/// the other stores of the database whose transactions change programs: the observer hears of theirs too.
std::unique_ptr<ProgramStore> MakeSqliteProgramStore(
    SqliteDatabase& database, std::function<absl::Time()> now = absl::Now,
    std::shared_ptr<ProgramChanges> changes = std::make_shared<ProgramChanges>());

}  // namespace dspex
