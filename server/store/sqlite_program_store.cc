#include "server/store/sqlite_program_store.h"

#include <absl/base/thread_annotations.h>
#include <absl/strings/str_cat.h>
#include <google/protobuf/util/time_util.h>

#include <optional>
#include <utility>

#include "engine/base/error.h"
#include "engine/base/mutex.h"
#include "engine/base/reasons.h"
#include "server/store/program_definition.h"
#include "server/store/sqlite_request_log.h"
#include "server/store/sqlite_statement.h"

namespace dspex {

namespace {

// A page stays below the 4 MiB that gRPC clients take by default.
constexpr std::size_t kMaxPageBytes = std::size_t{3} << 20;

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

absl::StatusOr<v1::Program> CreateIn(SQLite::Database& db, const std::string& tenant, const std::string& id,
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

absl::StatusOr<v1::Program> UpdateIn(SQLite::Database& db, const std::string& tenant, const std::string& id,
                                     absl::string_view etag, absl::Time now, const ProgramStore::Change& change) {
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

absl::Status DeleteIn(SQLite::Database& db, const std::string& tenant, const std::string& id, absl::string_view etag) {
  const absl::StatusOr<v1::Program> current = ReadNewest(db, tenant, id);
  if (!current.ok()) return current.status();
  if (absl::Status matches = CheckEtag(*current, etag); !matches.ok()) return matches;
  Execute(db, "INSERT OR REPLACE INTO retired_names (tenant, id, revision) VALUES (?, ?, ?)", tenant, id,
          std::int64_t{current->revision()});
  Execute(db, "DELETE FROM programs WHERE tenant = ? AND id = ?", tenant, id);
  return absl::OkStatus();
}

absl::StatusOr<v1::Program> SetLabelIn(SQLite::Database& db, const std::string& tenant, const std::string& id,
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

absl::StatusOr<v1::Program> GetIn(SQLite::Database& db, const std::string& tenant, const std::string& id,
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

// Adds to the page; false, with nothing added, if it is full.
bool AddToPage(ProgramPage& page, std::size_t& bytes, int limit, v1::Program program) {
  bytes += program.ByteSizeLong();
  const bool full =
      page.programs.size() >= static_cast<std::size_t>(limit) || (!page.programs.empty() && bytes > kMaxPageBytes);
  if (full) {
    page.more = true;
    return false;
  }
  page.programs.push_back(std::move(program));
  return true;
}

absl::StatusOr<ProgramPage> ListIn(SQLite::Database& db, const std::string& tenant, const std::string& after,
                                   int limit) {
  ProgramPage page;
  std::size_t bytes = 0;
  SQLite::Statement rows =
      Query(db, "SELECT id, uid, revision, etag, create_time FROM programs WHERE tenant = ? AND id > ? ORDER BY id",
            tenant, after);
  while (rows.executeStep()) {
    const ProgramRow row{rows.getColumn(1).getInt64(), rows.getColumn(2).getInt64(), rows.getColumn(3).getString(),
                         rows.getColumn(4).getInt64()};
    absl::StatusOr<v1::Program> program = ReadRevision(db, row, rows.getColumn(0).getString(), row.newest);
    if (!program.ok()) return program.status();
    if (!AddToPage(page, bytes, limit, *std::move(program))) break;
  }
  return page;
}

absl::StatusOr<ProgramPage> ListRevisionsIn(SQLite::Database& db, const std::string& tenant, const std::string& id,
                                            std::int64_t before, int limit) {
  const std::optional<ProgramRow> row = FindProgram(db, tenant, id);
  if (!row.has_value()) return ProgramNotFound(id);
  ProgramPage page;
  std::size_t bytes = 0;
  SQLite::Statement revisions =
      Query(db, "SELECT revision FROM revisions WHERE program = ? AND (? = 0 OR revision < ?) ORDER BY revision DESC",
            row->uid, before, before);
  while (revisions.executeStep()) {
    const std::int64_t revision = revisions.getColumn(0).getInt64();
    absl::StatusOr<v1::Program> program = ReadRevision(db, *row, id, revision);
    if (!program.ok()) return program.status();
    program->set_name(absl::StrCat(program->name(), "@", revision));
    if (!AddToPage(page, bytes, limit, *std::move(program))) break;
  }
  return page;
}

class SqliteProgramStore : public ProgramStore {
 public:
  SqliteProgramStore(SqliteDatabase& database, std::function<absl::Time()> now)
      : database_(database), now_(std::move(now)), observer_(std::make_shared<ObserverSlot>()) {}

  Task<v1::Program> Create(WriteRequest request, std::string id, v1::Program program) override {
    Operation operation = [tenant = request.tenant, id, now = now_, program = std::move(program)](
                              SQLite::Database& db) { return CreateIn(db, tenant, id, now(), program); };
    co_return co_await Write(std::move(request), std::move(id), std::move(operation));
  }

  Task<v1::Program> Get(std::string tenant, std::string id, RevisionSelector selector) override {
    Operation operation = [tenant = std::move(tenant), id = std::move(id), selector = std::move(selector)](
                              SQLite::Database& db) { return GetIn(db, tenant, id, selector); };
    co_return co_await database_.Read<v1::Program>(std::move(operation));
  }

  Task<ProgramPage> List(std::string tenant, std::string after, int limit) override {
    std::function<absl::StatusOr<ProgramPage>(SQLite::Database&)> operation =
        [tenant = std::move(tenant), after = std::move(after), limit](SQLite::Database& db) {
          return ListIn(db, tenant, after, limit);
        };
    co_return co_await database_.Read<ProgramPage>(std::move(operation));
  }

  Task<ProgramPage> ListRevisions(std::string tenant, std::string id, std::int64_t before, int limit) override {
    std::function<absl::StatusOr<ProgramPage>(SQLite::Database&)> operation =
        [tenant = std::move(tenant), id = std::move(id), before, limit](SQLite::Database& db) {
          return ListRevisionsIn(db, tenant, id, before, limit);
        };
    co_return co_await database_.Read<ProgramPage>(std::move(operation));
  }

  Task<v1::Program> Update(WriteRequest request, std::string id, std::string etag, Change change) override {
    Operation operation = [tenant = request.tenant, id, etag = std::move(etag), now = now_, change = std::move(change)](
                              SQLite::Database& db) { return UpdateIn(db, tenant, id, etag, now(), change); };
    co_return co_await Write(std::move(request), std::move(id), std::move(operation));
  }

  StatusTask Delete(WriteRequest request, std::string id, std::string etag) override {
    Operation operation = [tenant = request.tenant, id,
                           etag = std::move(etag)](SQLite::Database& db) -> absl::StatusOr<v1::Program> {
      if (absl::Status deleted = DeleteIn(db, tenant, id, etag); !deleted.ok()) return deleted;
      return v1::Program();
    };
    const absl::StatusOr<v1::Program> result = co_await Write(std::move(request), std::move(id), std::move(operation));
    co_return result.status();
  }

  Task<v1::Program> SetLabel(WriteRequest request, std::string id, std::string etag, std::string label,
                             std::int64_t revision) override {
    Operation operation = [tenant = request.tenant, id, etag = std::move(etag), label = std::move(label), revision](
                              SQLite::Database& db) { return SetLabelIn(db, tenant, id, etag, label, revision); };
    co_return co_await Write(std::move(request), std::move(id), std::move(operation));
  }

  void SetObserver(ProgramObserver* observer) override {
    MutexLock lock(&observer_->mutex);
    observer_->observer = observer;
  }

 private:
  using Operation = std::function<absl::StatusOr<v1::Program>(SQLite::Database&)>;

  // Shared with queued writes, which may outlive the store.
  struct ObserverSlot {
    Mutex mutex;
    ProgramObserver* observer ABSL_GUARDED_BY(mutex) = nullptr;
  };

  Task<v1::Program> Write(WriteRequest request, std::string id, Operation operation) {
    std::function<void()> on_commit = [slot = observer_, tenant = request.tenant, id = std::move(id)] {
      MutexLock lock(&slot->mutex);
      if (slot->observer != nullptr) slot->observer->OnProgramChanged(tenant, id);
    };
    Operation once = [request = std::move(request), now = now_, operation = std::move(operation)](
                         SQLite::Database& db) { return Once(db, request, now(), [&] { return operation(db); }); };
    co_return co_await database_.Write<v1::Program>(std::move(once), std::move(on_commit));
  }

  SqliteDatabase& database_;
  const std::function<absl::Time()> now_;
  const std::shared_ptr<ObserverSlot> observer_;
};

}  // namespace

std::unique_ptr<ProgramStore> MakeSqliteProgramStore(SqliteDatabase& database, std::function<absl::Time()> now) {
  return std::make_unique<SqliteProgramStore>(database, std::move(now));
}

}  // namespace dspex
