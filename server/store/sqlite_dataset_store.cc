#include "server/store/sqlite_dataset_store.h"

#include <SQLiteCpp/SQLiteCpp.h>
#include <absl/strings/str_cat.h>

#include <optional>
#include <utility>

#include "engine/base/error.h"
#include "engine/base/reasons.h"
#include "server/store/sqlite_dataset_import.h"
#include "server/store/sqlite_dataset_rows.h"
#include "server/store/sqlite_request_log.h"
#include "server/store/sqlite_statement.h"

namespace dspex {

namespace {

// A page stays below the 4 MiB that gRPC clients take by default.
constexpr std::size_t kMaxPageBytes = std::size_t{3} << 20;
// Examples removed in one transaction: other writes wait that long.
constexpr int kSweepBatch = 500;

absl::Status VersionNotFound(absl::string_view id, std::int64_t version) {
  return Error(absl::StatusCode::kNotFound, reason::kDatasetVersionNotFound,
               absl::StrCat("The dataset datasets/", id, " has no version ", version,
                            ". Look for the newest with GetDataset; those before it are kept."))
      .With("dataset", absl::StrCat("datasets/", id))
      .With("version", static_cast<long long>(version));
}

absl::StatusOr<StoredDataset> GetIn(SQLite::Database& db, const std::string& tenant, const std::string& id,
                                    std::int64_t number) {
  const std::optional<DatasetRow> row = FindDataset(db, tenant, id);
  if (!row.has_value()) return DatasetNotFound(id);
  const std::optional<DatasetVersionRow> version = FindVersion(db, *row, number);
  if (number != 0 && !version.has_value()) return VersionNotFound(id, number);
  absl::StatusOr<v1::Dataset> dataset = MakeDataset(*row, version);
  if (!dataset.ok()) return dataset.status();
  if (number != 0) dataset->set_name(absl::StrCat(dataset->name(), "@", number));
  const absl::StatusOr<v1::Dataset> own = MakeDataset(*row, std::nullopt);
  if (!own.ok()) return own.status();
  return StoredDataset{*std::move(dataset),
                       version.has_value() ? version->generation : 0,
                       {own->input_keys().begin(), own->input_keys().end()}};
}

absl::StatusOr<DatasetPage> ListIn(SQLite::Database& db, const std::string& tenant, const std::string& after,
                                   int limit) {
  DatasetPage page;
  std::size_t bytes = 0;
  SQLite::Statement ids = Query(db, "SELECT id FROM datasets WHERE tenant = ? AND id > ? ORDER BY id", tenant, after);
  while (ids.executeStep()) {
    absl::StatusOr<StoredDataset> stored = GetIn(db, tenant, ids.getColumn(0).getString(), 0);
    if (!stored.ok()) return stored.status();
    bytes += stored->dataset.ByteSizeLong();
    if (page.datasets.size() >= static_cast<std::size_t>(limit) || (!page.datasets.empty() && bytes > kMaxPageBytes)) {
      page.more = true;
      break;
    }
    page.datasets.push_back(std::move(stored->dataset));
  }
  return page;
}

absl::StatusOr<std::vector<StoredExample>> ReadIn(SQLite::Database& db, std::int64_t generation,
                                                  const std::vector<std::int64_t>& indices, std::size_t max_bytes) {
  std::vector<StoredExample> examples;
  std::size_t bytes = 0;
  SQLite::Statement row(db, "SELECT id, fields FROM dataset_examples WHERE place = ?");
  for (const std::int64_t index : indices) {
    row.bind(1, PlaceOf(generation, index));
    if (!row.executeStep()) {
      return Error(absl::StatusCode::kNotFound, reason::kDatasetNotFound,
                   "The dataset was deleted while its examples were read. Import it again.");
    }
    bytes +=
        static_cast<std::size_t>(row.getColumn(0).getBytes()) + static_cast<std::size_t>(row.getColumn(1).getBytes());
    if (!examples.empty() && bytes > max_bytes) break;
    examples.push_back({row.getColumn(0).isNull() ? absl::StrCat(index + 1) : row.getColumn(0).getString(),
                        row.getColumn(1).getString(), index});
    row.reset();
  }
  return examples;
}

// Whether there may be more to do.
absl::StatusOr<bool> SweepIn(SQLite::Database& db, const ActiveImports& active) {
  SQLite::Statement loose(db, "SELECT uid, examples FROM dataset_generations WHERE loose = 1 ORDER BY uid");
  do {
    if (!loose.executeStep()) return false;
  } while (active.HasGeneration(loose.getColumn(0).getInt64()));
  const std::int64_t generation = loose.getColumn(0).getInt64();
  const std::int64_t examples = loose.getColumn(1).getInt64();
  loose.reset();
  const int removed = Execute(db,
                              "DELETE FROM dataset_examples WHERE place IN "
                              "(SELECT place FROM dataset_examples WHERE place >= ? AND place < ? LIMIT ?)",
                              PlaceOf(generation, examples), PlaceOf(generation + 1, 0), std::int64_t{kSweepBatch});
  if (removed < kSweepBatch) {
    Execute(db, "UPDATE dataset_generations SET loose = 0 WHERE uid = ?", generation);
    Execute(db, "DELETE FROM dataset_generations WHERE uid = ? AND examples = 0", generation);
  }
  return true;
}

class SqliteDatasetStore final : public DatasetStore {
 public:
  SqliteDatasetStore(SqliteDatabase& database, std::function<absl::Time()> now)
      : database_(database), now_(std::move(now)), active_(std::make_shared<ActiveImports>()) {}

  Task<v1::Dataset> Create(WriteRequest request, std::string id, v1::Dataset dataset) override {
    std::function<absl::StatusOr<v1::Dataset>(SQLite::Database&)> operation =
        [request = std::move(request), id = std::move(id), now = now_,
         dataset = std::move(dataset)](SQLite::Database& db) {
          return Once<v1::Dataset>(db, request, now(),
                                   [&] { return InsertDataset(db, request.tenant, id, now(), dataset); });
        };
    co_return co_await database_.Write<v1::Dataset>(std::move(operation), nullptr);
  }

  Task<StoredDataset> Get(std::string tenant, std::string id, std::int64_t version) override {
    std::function<absl::StatusOr<StoredDataset>(SQLite::Database&)> operation =
        [tenant = std::move(tenant), id = std::move(id), version](SQLite::Database& db) {
          return GetIn(db, tenant, id, version);
        };
    co_return co_await database_.Read<StoredDataset>(std::move(operation));
  }

  Task<DatasetPage> List(std::string tenant, std::string after, int limit) override {
    std::function<absl::StatusOr<DatasetPage>(SQLite::Database&)> operation =
        [tenant = std::move(tenant), after = std::move(after), limit](SQLite::Database& db) {
          return ListIn(db, tenant, after, limit);
        };
    co_return co_await database_.Read<DatasetPage>(std::move(operation));
  }

  StatusTask Delete(WriteRequest request, std::string id) override {
    std::function<absl::StatusOr<v1::Dataset>(SQLite::Database&)> operation =
        [request = std::move(request), id = std::move(id), now = now_](SQLite::Database& db) {
          return Once<v1::Dataset>(db, request, now(), [&]() -> absl::StatusOr<v1::Dataset> {
            if (absl::Status deleted = DeleteDataset(db, request.tenant, id); !deleted.ok()) return deleted;
            return v1::Dataset();
          });
        };
    const absl::StatusOr<v1::Dataset> deleted = co_await database_.Write<v1::Dataset>(std::move(operation), nullptr);
    co_return deleted.status();
  }

  Task<std::unique_ptr<DatasetImport>> StartImport(WriteRequest request, std::string id, bool replace) override {
    while (true) {
      std::function<absl::StatusOr<std::shared_ptr<ImportState>>(SQLite::Database&)> operation =
          [request, id, replace, now = now_, active = active_](SQLite::Database& db) {
            return StartImportIn(db, request, id, replace, now(), active);
          };
      absl::StatusOr<std::shared_ptr<ImportState>> state =
          co_await database_.Write<std::shared_ptr<ImportState>>(std::move(operation), nullptr);
      if (!state.ok()) co_return state.status();
      if (*state != nullptr) {
        co_return MakeSqliteDatasetImport(database_, std::move(request), std::move(id), *std::move(state), now_);
      }
      if (absl::Status swept = co_await Sweep(); !swept.ok()) co_return swept;
    }
  }

  Task<std::vector<StoredExample>> Read(std::int64_t generation, std::vector<std::int64_t> indices,
                                        std::size_t max_bytes) override {
    std::function<absl::StatusOr<std::vector<StoredExample>>(SQLite::Database&)> operation =
        [generation, indices = std::move(indices), max_bytes](SQLite::Database& db) {
          return ReadIn(db, generation, indices, max_bytes);
        };
    co_return co_await database_.Read<std::vector<StoredExample>>(std::move(operation));
  }

  StatusTask Sweep() override {
    while (true) {
      std::function<absl::StatusOr<bool>(SQLite::Database&)> operation = [active = active_](SQLite::Database& db) {
        return SweepIn(db, *active);
      };
      const absl::StatusOr<bool> more = co_await database_.Write<bool>(std::move(operation), nullptr);
      if (!more.ok()) co_return more.status();
      if (!*more) co_return absl::OkStatus();
    }
  }

 private:
  SqliteDatabase& database_;
  const std::function<absl::Time()> now_;
  // Shared with queued writes, which may outlive the store.
  const std::shared_ptr<ActiveImports> active_;
};

}  // namespace

std::unique_ptr<DatasetStore> MakeSqliteDatasetStore(SqliteDatabase& database, std::function<absl::Time()> now) {
  return std::make_unique<SqliteDatasetStore>(database, std::move(now));
}

}  // namespace dspex
