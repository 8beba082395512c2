#include "server/store/sqlite_program_store.h"

#include <SQLiteCpp/SQLiteCpp.h>

#include <utility>

#include "server/store/sqlite_program_rows.h"
#include "server/store/sqlite_request_log.h"

namespace dspex {

namespace {

class SqliteProgramStore : public ProgramStore {
 public:
  SqliteProgramStore(SqliteDatabase& database, std::shared_ptr<ProgramChanges> changes, std::function<absl::Time()> now)
      : database_(database), changes_(std::move(changes)), now_(std::move(now)) {}

  Task<v1::Program> Create(WriteRequest request, std::string id, v1::Program program) override {
    Operation operation = [tenant = request.tenant, id, now = now_, program = std::move(program)](
                              SQLite::Database& db) { return CreateProgramIn(db, tenant, id, now(), program); };
    co_return co_await Write(std::move(request), std::move(id), std::move(operation));
  }

  Task<v1::Program> Get(std::string tenant, std::string id, RevisionSelector selector) override {
    Operation operation = [tenant = std::move(tenant), id = std::move(id), selector = std::move(selector)](
                              SQLite::Database& db) { return GetProgramIn(db, tenant, id, selector); };
    co_return co_await database_.Read<v1::Program>(std::move(operation));
  }

  Task<ProgramPage> List(std::string tenant, std::string after, int limit) override {
    std::function<absl::StatusOr<ProgramPage>(SQLite::Database&)> operation =
        [tenant = std::move(tenant), after = std::move(after), limit](SQLite::Database& db) {
          return ListProgramsIn(db, tenant, after, limit);
        };
    co_return co_await database_.Read<ProgramPage>(std::move(operation));
  }

  Task<ProgramPage> ListRevisions(std::string tenant, std::string id, std::int64_t before, int limit) override {
    std::function<absl::StatusOr<ProgramPage>(SQLite::Database&)> operation =
        [tenant = std::move(tenant), id = std::move(id), before, limit](SQLite::Database& db) {
          return ListProgramRevisionsIn(db, tenant, id, before, limit);
        };
    co_return co_await database_.Read<ProgramPage>(std::move(operation));
  }

  Task<v1::Program> Update(WriteRequest request, std::string id, std::string etag, Change change) override {
    Operation operation = [tenant = request.tenant, id, etag = std::move(etag), now = now_, change = std::move(change)](
                              SQLite::Database& db) { return UpdateProgramIn(db, tenant, id, etag, now(), change); };
    co_return co_await Write(std::move(request), std::move(id), std::move(operation));
  }

  StatusTask Delete(WriteRequest request, std::string id, std::string etag) override {
    Operation operation = [tenant = request.tenant, id,
                           etag = std::move(etag)](SQLite::Database& db) -> absl::StatusOr<v1::Program> {
      if (absl::Status deleted = DeleteProgramIn(db, tenant, id, etag); !deleted.ok()) return deleted;
      return v1::Program();
    };
    const absl::StatusOr<v1::Program> result = co_await Write(std::move(request), std::move(id), std::move(operation));
    co_return result.status();
  }

  Task<v1::Program> SetLabel(WriteRequest request, std::string id, std::string etag, std::string label,
                             std::int64_t revision) override {
    Operation operation = [tenant = request.tenant, id, etag = std::move(etag), label = std::move(label),
                           revision](SQLite::Database& db) {
      return SetProgramLabelIn(db, tenant, id, etag, label, revision);
    };
    co_return co_await Write(std::move(request), std::move(id), std::move(operation));
  }

  void SetObserver(ProgramObserver* observer) override { changes_->SetObserver(observer); }

 private:
  using Operation = std::function<absl::StatusOr<v1::Program>(SQLite::Database&)>;

  Task<v1::Program> Write(WriteRequest request, std::string id, Operation operation) {
    std::function<void()> on_commit = [changes = changes_, tenant = request.tenant, id = std::move(id)] {
      changes->Announce(tenant, id);
    };
    Operation once = [request = std::move(request), now = now_,
                      operation = std::move(operation)](SQLite::Database& db) {
      return Once<v1::Program>(db, request, now(), [&] { return operation(db); });
    };
    co_return co_await database_.Write<v1::Program>(std::move(once), std::move(on_commit));
  }

  SqliteDatabase& database_;
  // Shared with queued writes, which may outlive the store.
  const std::shared_ptr<ProgramChanges> changes_;
  const std::function<absl::Time()> now_;
};

}  // namespace

std::unique_ptr<ProgramStore> MakeSqliteProgramStore(SqliteDatabase& database, std::function<absl::Time()> now,
                                                     std::shared_ptr<ProgramChanges> changes) {
  return std::make_unique<SqliteProgramStore>(database, std::move(changes), std::move(now));
}

}  // namespace dspex
