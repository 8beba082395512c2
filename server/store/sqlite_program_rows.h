#pragma once

#include <absl/status/statusor.h>
#include <absl/strings/string_view.h>
#include <absl/time/time.h>

#include <cstdint>
#include <string>

#include "server/store/program_store.h"

namespace SQLite {
class Database;
}

/// What ProgramStore does, as parts of a transaction that another store may share. They throw SQLite::Exception.
namespace dspex {

absl::StatusOr<v1::Program> CreateProgramIn(SQLite::Database& db, const std::string& tenant, const std::string& id,
                                            absl::Time now, const v1::Program& program);

absl::StatusOr<v1::Program> GetProgramIn(SQLite::Database& db, const std::string& tenant, const std::string& id,
                                         const RevisionSelector& selector);

absl::StatusOr<ProgramPage> ListProgramsIn(SQLite::Database& db, const std::string& tenant, const std::string& after,
                                           int limit);

absl::StatusOr<ProgramPage> ListProgramRevisionsIn(SQLite::Database& db, const std::string& tenant,
                                                   const std::string& id, std::int64_t before, int limit);

absl::StatusOr<v1::Program> UpdateProgramIn(SQLite::Database& db, const std::string& tenant, const std::string& id,
                                            absl::string_view etag, absl::Time now, const ProgramStore::Change& change);

absl::Status DeleteProgramIn(SQLite::Database& db, const std::string& tenant, const std::string& id,
                             absl::string_view etag);

absl::StatusOr<v1::Program> SetProgramLabelIn(SQLite::Database& db, const std::string& tenant, const std::string& id,
                                              absl::string_view etag, const std::string& label, std::int64_t revision);

}  // namespace dspex
