#include "server/store/sqlite_program_rows.h"

#include <absl/strings/str_cat.h>
#include <google/protobuf/util/time_util.h>

#include <optional>
#include <utility>

#include "engine/base/error.h"
#include "engine/base/reasons.h"
#include "server/store/page_limit.h"
#include "server/store/program_definition.h"
#include "server/store/sqlite_statement.h"

namespace dspex {

namespace {

struct ProgramRow {
  std::int64_t uid = 0;
  std::int64_t newest = 0;
  std::string etag;
  std::int64_t create_time = 0;
};

absl::Status RevisionNotFound(absl::string_view id, absl::string_view revision) {
  return Error(absl::StatusCode::kNotFound, reason::kRevisionNotFound,
               absl::StrCat("The program programs/", id, " has no revision or label \"", revision,
                            "\". Choose one that ListProgramRevisions or the labels of GetProgram name."))
      .With("program", absl::StrCat("programs/", id))
      .With("revision", revision);
}

std::optional<ProgramRow> FindProgram(SQLite::Database& db, const std::string& tenant, const std::string& id) {
  SQLite::Statement row =
      Query(db, "SELECT uid, revision, etag, create_time FROM programs WHERE tenant = ? AND id = ?", tenant, id);
  if (!row.executeStep()) return std::nullopt;
  return ProgramRow{row.getColumn(0).getInt64(), row.getColumn(1).getInt64(), row.getColumn(2).getString(),
                    row.getColumn(3).getInt64()};
}

absl::StatusOr<v1::Program> ReadRevision(SQLite::Database& db, const ProgramRow& row, absl::string_view id,
                                         std::int64_t revision) {
  using google::protobuf::util::TimeUtil;
  SQLite::Statement contents =
      Query(db, "SELECT definition, create_time FROM revisions WHERE program = ? AND revision = ?", row.uid, revision);
  if (!contents.executeStep()) return RevisionNotFound(id, absl::StrCat(revision));
  v1::Program program;
  const SQLite::Column definition = contents.getColumn(0);
  if (!program.ParseFromArray(definition.getBlob(), definition.getBytes())) {
    return Error(absl::StatusCode::kInternal, reason::kStorage,
                 absl::StrCat("The stored contents of programs/", id, "@", revision, " are damaged."))
        .With("program", absl::StrCat("programs/", id));
  }
  program.set_name(absl::StrCat("programs/", id));
  program.set_revision(revision);
  program.set_etag(row.etag);
  *program.mutable_create_time() = TimeUtil::NanosecondsToTimestamp(row.create_time);
  *program.mutable_update_time() = TimeUtil::NanosecondsToTimestamp(contents.getColumn(1).getInt64());
  SQLite::Statement labels = Query(db, "SELECT label, revision FROM labels WHERE program = ?", row.uid);
  while (labels.executeStep()) {
    (*program.mutable_labels())[labels.getColumn(0).getString()] = labels.getColumn(1).getInt64();
  }
  return program;
}

absl::StatusOr<v1::Program> ReadNewest(SQLite::Database& db, const std::string& tenant, const std::string& id) {
  const std::optional<ProgramRow> row = FindProgram(db, tenant, id);
  if (!row.has_value()) return ProgramNotFound(id);
  return ReadRevision(db, *row, id, row->newest);
}

void InsertRevision(SQLite::Database& db, std::int64_t program, std::int64_t revision, absl::Time now,
                    const std::string& definition) {
  Execute(db, "INSERT INTO revisions (program, revision, create_time, definition) VALUES (?, ?, ?, ?)", program,
          revision, absl::ToUnixNanos(now), Blob{definition});
}

// Adds to the page; false, with nothing added, if it is full.
bool AddToPage(ProgramPage& page, PageLimit& limit, v1::Program program) {
  if (!limit.Take(program.ByteSizeLong())) {
    page.more = true;
    return false;
  }
  page.programs.push_back(std::move(program));
  return true;
}

}  // namespace

absl::StatusOr<v1::Program> CreateProgramIn(SQLite::Database& db, const std::string& tenant, const std::string& id,
                                            absl::Time now, const v1::Program& program) {
  if (FindProgram(db, tenant, id).has_value()) return ProgramExists(id);
  SQLite::Statement retired = Query(db, "SELECT revision FROM retired_names WHERE tenant = ? AND id = ?", tenant, id);
  const std::int64_t revision = retired.executeStep() ? retired.getColumn(0).getInt64() + 1 : 1;
  Execute(db,
          "INSERT INTO programs (tenant, id, revision, etag, create_time) "
          "VALUES (?, ?, ?, lower(hex(randomblob(8))), ?)",
          tenant, id, revision, absl::ToUnixNanos(now));
  InsertRevision(db, db.getLastInsertRowid(), revision, now, SerializeDefinition(program));
  return ReadNewest(db, tenant, id);
}

absl::StatusOr<v1::Program> UpdateProgramIn(SQLite::Database& db, const std::string& tenant, const std::string& id,
                                            absl::string_view etag, absl::Time now,
                                            const ProgramStore::Change& change) {
  absl::StatusOr<v1::Program> current = ReadNewest(db, tenant, id);
  if (!current.ok()) return current;
  if (absl::Status matches = CheckEtag(*current, etag); !matches.ok()) return matches;
  const absl::StatusOr<v1::Program> changed = change(*current);
  if (!changed.ok()) return changed;
  const std::string definition = SerializeDefinition(*changed);
  if (definition == SerializeDefinition(*current)) return current;
  const std::optional<ProgramRow> row = FindProgram(db, tenant, id);
  InsertRevision(db, row->uid, row->newest + 1, now, definition);
  Execute(db, "UPDATE programs SET revision = ?, etag = lower(hex(randomblob(8))) WHERE uid = ?", row->newest + 1,
          row->uid);
  return ReadNewest(db, tenant, id);
}

absl::Status DeleteProgramIn(SQLite::Database& db, const std::string& tenant, const std::string& id,
                             absl::string_view etag) {
  const absl::StatusOr<v1::Program> current = ReadNewest(db, tenant, id);
  if (!current.ok()) return current.status();
  if (absl::Status matches = CheckEtag(*current, etag); !matches.ok()) return matches;
  Execute(db, "INSERT OR REPLACE INTO retired_names (tenant, id, revision) VALUES (?, ?, ?)", tenant, id,
          std::int64_t{current->revision()});
  Execute(db, "DELETE FROM programs WHERE tenant = ? AND id = ?", tenant, id);
  return absl::OkStatus();
}

absl::StatusOr<v1::Program> SetProgramLabelIn(SQLite::Database& db, const std::string& tenant, const std::string& id,
                                              absl::string_view etag, const std::string& label, std::int64_t revision) {
  absl::StatusOr<v1::Program> current = ReadNewest(db, tenant, id);
  if (!current.ok()) return current;
  if (absl::Status matches = CheckEtag(*current, etag); !matches.ok()) return matches;
  const auto old = current->labels().find(label);
  const std::int64_t old_revision = old == current->labels().end() ? 0 : old->second;
  if (revision == old_revision) return current;
  const std::int64_t program = FindProgram(db, tenant, id)->uid;
  if (revision == 0) {
    Execute(db, "DELETE FROM labels WHERE program = ? AND label = ?", program, label);
  } else {
    if (!Query(db, "SELECT 1 FROM revisions WHERE program = ? AND revision = ?", program, revision).executeStep()) {
      return RevisionNotFound(id, absl::StrCat(revision));
    }
    if (old_revision == 0 && current->labels_size() >= ProgramStore::kMaxLabels) return TooManyLabels(id);
    Execute(db, "INSERT OR REPLACE INTO labels (program, label, revision) VALUES (?, ?, ?)", program, label, revision);
  }
  Execute(db, "UPDATE programs SET etag = lower(hex(randomblob(8))) WHERE uid = ?", program);
  return ReadNewest(db, tenant, id);
}

absl::StatusOr<v1::Program> GetProgramIn(SQLite::Database& db, const std::string& tenant, const std::string& id,
                                         const RevisionSelector& selector) {
  const std::optional<ProgramRow> row = FindProgram(db, tenant, id);
  if (!row.has_value()) return ProgramNotFound(id);
  std::int64_t revision = selector.revision;
  if (!selector.label.empty()) {
    SQLite::Statement label =
        Query(db, "SELECT revision FROM labels WHERE program = ? AND label = ?", row->uid, selector.label);
    if (!label.executeStep()) return RevisionNotFound(id, selector.label);
    revision = label.getColumn(0).getInt64();
  }
  if (revision == 0) return ReadRevision(db, *row, id, row->newest);
  absl::StatusOr<v1::Program> program = ReadRevision(db, *row, id, revision);
  if (program.ok()) program->set_name(absl::StrCat(program->name(), "@", revision));
  return program;
}

absl::StatusOr<ProgramPage> ListProgramsIn(SQLite::Database& db, const std::string& tenant, const std::string& after,
                                           int limit) {
  ProgramPage page;
  PageLimit page_limit(limit);
  SQLite::Statement rows =
      Query(db, "SELECT id, uid, revision, etag, create_time FROM programs WHERE tenant = ? AND id > ? ORDER BY id",
            tenant, after);
  while (rows.executeStep()) {
    const ProgramRow row{rows.getColumn(1).getInt64(), rows.getColumn(2).getInt64(), rows.getColumn(3).getString(),
                         rows.getColumn(4).getInt64()};
    absl::StatusOr<v1::Program> program = ReadRevision(db, row, rows.getColumn(0).getString(), row.newest);
    if (!program.ok()) return program.status();
    if (!AddToPage(page, page_limit, *std::move(program))) break;
  }
  return page;
}

absl::StatusOr<ProgramPage> ListProgramRevisionsIn(SQLite::Database& db, const std::string& tenant,
                                                   const std::string& id, std::int64_t before, int limit) {
  const std::optional<ProgramRow> row = FindProgram(db, tenant, id);
  if (!row.has_value()) return ProgramNotFound(id);
  ProgramPage page;
  PageLimit page_limit(limit);
  SQLite::Statement revisions =
      Query(db, "SELECT revision FROM revisions WHERE program = ? AND (? = 0 OR revision < ?) ORDER BY revision DESC",
            row->uid, before, before);
  while (revisions.executeStep()) {
    const std::int64_t revision = revisions.getColumn(0).getInt64();
    absl::StatusOr<v1::Program> program = ReadRevision(db, *row, id, revision);
    if (!program.ok()) return program.status();
    program->set_name(absl::StrCat(program->name(), "@", revision));
    if (!AddToPage(page, page_limit, *std::move(program))) break;
  }
  return page;
}

}  // namespace dspex
