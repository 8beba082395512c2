#include "server/store/sqlite_phrasebook_store.h"

#include <absl/strings/str_cat.h>
#include <google/protobuf/util/time_util.h>

#include <optional>
#include <utility>

#include "engine/base/error.h"
#include "engine/base/reasons.h"
#include "server/store/sqlite_statement.h"

namespace dspex {

namespace {

v1::Phrasebook ReadRow(SQLite::Statement& row) {
  v1::Phrasebook phrasebook;
  phrasebook.set_name(absl::StrCat("phrasebooks/", row.getColumn(0).getString()));
  phrasebook.set_contents_json(row.getColumn(1).getString());
  phrasebook.set_digest(row.getColumn(2).getString());
  *phrasebook.mutable_create_time() =
      google::protobuf::util::TimeUtil::NanosecondsToTimestamp(row.getColumn(3).getInt64());
  return phrasebook;
}

std::optional<v1::Phrasebook> Find(SQLite::Database& db, const std::string& tenant, const std::string& id) {
  SQLite::Statement row =
      Query(db, "SELECT id, contents, digest, create_time FROM phrasebooks WHERE tenant = ? AND id = ?", tenant, id);
  if (!row.executeStep()) return std::nullopt;
  return ReadRow(row);
}

absl::Status Exists(const v1::Phrasebook& existing) {
  return Error(absl::StatusCode::kAlreadyExists, reason::kPhrasebookExists,
               absl::StrCat("There is another ", existing.name(),
                            ", and phrasebooks never change. Choose another phrasebook_id for this one."))
      .With("phrasebook", existing.name())
      .With("digest", existing.digest());
}

absl::StatusOr<v1::Phrasebook> CreateIn(SQLite::Database& db, const std::string& tenant, const std::string& id,
                                        absl::Time now, const v1::Phrasebook& phrasebook) {
  std::optional<v1::Phrasebook> existing = Find(db, tenant, id);
  if (existing.has_value()) {
    if (existing->digest() != phrasebook.digest()) return Exists(*existing);
    return *std::move(existing);
  }
  SQLite::Statement count = Query(db, "SELECT COUNT(*) FROM phrasebooks WHERE tenant = ?", tenant);
  count.executeStep();
  if (count.getColumn(0).getInt() >= PhrasebookStore::kMaxPhrasebooks) {
    return Error(absl::StatusCode::kFailedPrecondition, reason::kTooManyPhrasebooks,
                 absl::StrCat("There are ", PhrasebookStore::kMaxPhrasebooks,
                              " phrasebooks, which is the limit. Use one of them: ListPhrasebooks has their names."));
  }
  Execute(db, "INSERT INTO phrasebooks (tenant, id, contents, digest, create_time) VALUES (?, ?, ?, ?, ?)", tenant, id,
          phrasebook.contents_json(), phrasebook.digest(), absl::ToUnixNanos(now));
  return *Find(db, tenant, id);
}

class SqlitePhrasebookStore final : public PhrasebookStore {
 public:
  SqlitePhrasebookStore(SqliteDatabase& database, std::function<absl::Time()> now)
      : database_(database), now_(std::move(now)) {}

  Task<v1::Phrasebook> Create(std::string tenant, std::string id, v1::Phrasebook phrasebook) override {
    std::function<absl::StatusOr<v1::Phrasebook>(SQLite::Database&)> operation =
        [tenant = std::move(tenant), id = std::move(id), now = now_, phrasebook = std::move(phrasebook)](
            SQLite::Database& db) { return CreateIn(db, tenant, id, now(), phrasebook); };
    co_return co_await database_.Write<v1::Phrasebook>(std::move(operation), nullptr);
  }

  absl::StatusOr<std::vector<v1::Phrasebook>> ReadAll(const std::string& tenant) override {
    std::vector<v1::Phrasebook> phrasebooks;
    const absl::Status status = database_.ReadBlocking([&](SQLite::Database& db) {
      SQLite::Statement rows =
          Query(db, "SELECT id, contents, digest, create_time FROM phrasebooks WHERE tenant = ? ORDER BY id", tenant);
      while (rows.executeStep()) phrasebooks.push_back(ReadRow(rows));
      return absl::OkStatus();
    });
    if (!status.ok()) return status;
    return phrasebooks;
  }

 private:
  SqliteDatabase& database_;
  const std::function<absl::Time()> now_;
};

}  // namespace

std::unique_ptr<PhrasebookStore> MakeSqlitePhrasebookStore(SqliteDatabase& database, std::function<absl::Time()> now) {
  return std::make_unique<SqlitePhrasebookStore>(database, std::move(now));
}

}  // namespace dspex
