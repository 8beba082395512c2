#include "server/store/sqlite_dataset_import.h"

#include <SQLiteCpp/SQLiteCpp.h>
#include <absl/strings/str_cat.h>

#include <algorithm>
#include <nlohmann/json.hpp>

#include "engine/base/error.h"
#include "engine/base/reasons.h"
#include "server/store/sqlite_dataset_rows.h"
#include "server/store/sqlite_request_log.h"
#include "server/store/sqlite_statement.h"

namespace dspex {

namespace {

absl::Status UnderWay(absl::string_view id) {
  return Error(absl::StatusCode::kAborted, reason::kImportUnderWay,
               absl::StrCat("Another import into datasets/", id, " is under way. Import when it has ended."))
      .With("dataset", absl::StrCat("datasets/", id));
}

absl::Status TooMany(absl::string_view id) {
  return Error(absl::StatusCode::kFailedPrecondition, reason::kTooManyExamples,
               absl::StrCat("The dataset datasets/", id, " would have more than ", DatasetStore::kMaxExamples,
                            " examples, which is the limit. Import less, or into several datasets."))
      .With("dataset", absl::StrCat("datasets/", id))
      .With("limit", static_cast<long long>(DatasetStore::kMaxExamples));
}

absl::Status Duplicate(SQLite::Database& db, const ImportState& state, const std::string& id, std::size_t batch_index) {
  SQLite::Statement other =
      Query(db, "SELECT place FROM dataset_examples WHERE id = ? AND place >> 32 = ?", id, state.generation);
  const std::int64_t number = other.executeStep() ? other.getColumn(0).getInt64() - PlaceOf(state.generation, -1) : 0;
  return Error(absl::StatusCode::kInvalidArgument, reason::kDuplicateId,
               absl::StrCat("The id \"", id, "\" is that of example ", number,
                            " of the dataset already. Give each example its own."))
      .With("id", id)
      .With("batch_index", static_cast<long long>(batch_index));
}

absl::Status AddIn(SQLite::Database& db, const std::string& dataset_id, ImportState& state,
                   const std::vector<NewExample>& batch, bool remembered) {
  const auto count = static_cast<std::int64_t>(batch.size());
  if (state.first + state.added + count > DatasetStore::kMaxExamples) return TooMany(dataset_id);
  SQLite::Statement insert(db,
                           "INSERT INTO dataset_examples (place, id, fields) VALUES (?, ?, ?) ON CONFLICT DO NOTHING");
  for (std::size_t i = 0; i < batch.size(); ++i) {
    const NewExample& example = batch[i];
    if (remembered) state.content.Add(example.id, example.fields_json);
    if (state.active == nullptr) continue;
    state.digest.Add(example.id, example.fields_json);
    insert.bind(1, PlaceOf(state.generation, state.first + state.added + static_cast<std::int64_t>(i)));
    if (example.id.empty()) {
      insert.bind(2);
    } else {
      insert.bindNoCopy(2, example.id);
    }
    insert.bindNoCopy(3, example.fields_json);
    if (insert.exec() == 0) return Duplicate(db, state, example.id, i);
    insert.reset();
  }
  state.added += count;
  return absl::OkStatus();
}

absl::StatusOr<v1::Dataset> FinishIn(SQLite::Database& db, const std::string& tenant, const std::string& id,
                                     const ImportState& state, const std::string& input_keys, absl::Time now) {
  if (state.active == nullptr) {
    return Error(absl::StatusCode::kAborted, reason::kImportUnderWay,
                 "The answer that the request_id had was forgotten while the import came. Send it again.");
  }
  std::optional<DatasetRow> row = FindDataset(db, tenant, id);
  if (!row.has_value() || row->uid != state.dataset) return DatasetNotFound(id);
  const std::int64_t examples = state.first + state.added;
  const std::int64_t version = row->numbered + 1;
  Execute(db,
          "INSERT INTO dataset_versions (dataset, version, generation, examples, digest, input_keys, create_time) "
          "VALUES (?, ?, ?, ?, ?, ?, ?)",
          row->uid, version, state.generation, examples, state.digest.hex(), input_keys, absl::ToUnixNanos(now));
  Execute(db, "UPDATE dataset_generations SET examples = ?, loose = 0 WHERE uid = ?", examples, state.generation);
  Execute(db, "UPDATE datasets SET numbered = ? WHERE uid = ?", version, row->uid);
  return MakeDataset(*row, FindVersion(db, *row, version));
}

bool WasAnswered(SQLite::Database& db, const WriteRequest& request, absl::Time now) {
  return !request.request_id.empty() &&
         Query(db, "SELECT 1 FROM requests WHERE tenant = ? AND request_id = ? AND time > ?", request.tenant,
               request.request_id, absl::ToUnixNanos(now - kRequestMemory))
             .executeStep();
}

class SqliteDatasetImport final : public DatasetImport {
 public:
  SqliteDatasetImport(SqliteDatabase& database, WriteRequest request, std::string id,
                      std::shared_ptr<ImportState> state, std::function<absl::Time()> now)
      : database_(database),
        request_(std::move(request)),
        id_(std::move(id)),
        state_(std::move(state)),
        now_(std::move(now)) {}

  StatusTask Add(std::vector<NewExample> batch) override {
    const auto count = static_cast<std::int64_t>(batch.size());
    std::function<absl::StatusOr<bool>(SQLite::Database&)> operation =
        [state = state_, id = id_, remembered = !request_.request_id.empty(),
         batch = std::move(batch)](SQLite::Database& db) -> absl::StatusOr<bool> {
      if (absl::Status added = AddIn(db, id, *state, batch, remembered); !added.ok()) return added;
      return true;
    };
    const absl::StatusOr<bool> written = co_await database_.Write<bool>(std::move(operation), nullptr);
    if (written.ok()) added_ += count;
    co_return written.status();
  }

  Task<v1::Dataset> Finish(std::vector<std::string> input_keys) override {
    std::function<absl::StatusOr<v1::Dataset>(SQLite::Database&)> operation =
        [state = state_, request = request_, id = id_, now = now_,
         keys = nlohmann::json(input_keys).dump()](SQLite::Database& db) {
          WriteRequest whole = request;
          whole.hash += state->content.hex();
          return Once<v1::Dataset>(db, whole, now(),
                                   [&] { return FinishIn(db, request.tenant, id, *state, keys, now()); });
        };
    co_return co_await database_.Write<v1::Dataset>(std::move(operation), nullptr);
  }

  std::int64_t added() const override { return added_; }

 private:
  SqliteDatabase& database_;
  const WriteRequest request_;
  const std::string id_;
  const std::shared_ptr<ImportState> state_;
  const std::function<absl::Time()> now_;
  std::int64_t added_ = 0;
};

}  // namespace

bool ActiveImports::HasDataset(std::int64_t dataset) const {
  MutexLock lock(&mutex_);
  return generations_.contains(dataset);
}

bool ActiveImports::HasGeneration(std::int64_t generation) const {
  MutexLock lock(&mutex_);
  return std::any_of(generations_.begin(), generations_.end(),
                     [generation](const auto& active) { return active.second == generation; });
}

void ActiveImports::Add(std::int64_t dataset, std::int64_t generation) {
  MutexLock lock(&mutex_);
  generations_[dataset] = generation;
}

void ActiveImports::Remove(std::int64_t dataset) {
  MutexLock lock(&mutex_);
  generations_.erase(dataset);
}

absl::StatusOr<std::shared_ptr<ImportState>> StartImportIn(SQLite::Database& db, const WriteRequest& request,
                                                           const std::string& id, bool replace, absl::Time now,
                                                           const std::shared_ptr<ActiveImports>& active) {
  auto state = std::make_shared<ImportState>();
  if (WasAnswered(db, request, now)) return state;
  const std::optional<DatasetRow> row = FindDataset(db, request.tenant, id);
  if (!row.has_value()) return DatasetNotFound(id);
  if (active->HasDataset(row->uid)) return UnderWay(id);
  state->dataset = row->uid;
  if (const auto newest = FindVersion(db, *row, 0); newest.has_value() && !replace) {
    state->generation = newest->generation;
    state->first = newest->examples;
    state->digest = ExampleDigest(newest->digest);
    if (Execute(db, "UPDATE dataset_generations SET loose = 1 WHERE uid = ? AND loose = 0", state->generation) == 0) {
      return nullptr;
    }
  } else {
    Execute(db, "INSERT INTO dataset_generations (examples, loose) VALUES (0, 1)");
    state->generation = db.getLastInsertRowid();
  }
  state->active = active;
  active->Add(state->dataset, state->generation);
  return state;
}

std::unique_ptr<DatasetImport> MakeSqliteDatasetImport(SqliteDatabase& database, WriteRequest request, std::string id,
                                                       std::shared_ptr<ImportState> state,
                                                       std::function<absl::Time()> now) {
  return std::make_unique<SqliteDatasetImport>(database, std::move(request), std::move(id), std::move(state),
                                               std::move(now));
}

}  // namespace dspex
