#include "server/store/sqlite_dataset_rows.h"

#include <absl/strings/str_cat.h>
#include <google/protobuf/util/time_util.h>

#include <nlohmann/json.hpp>
#include <utility>

#include "engine/base/error.h"
#include "engine/base/reasons.h"
#include "server/store/program_definition.h"
#include "server/store/sqlite_statement.h"

namespace dspex {

namespace {

absl::Status Damaged(absl::string_view id) {
  return Error(absl::StatusCode::kInternal, reason::kStorage,
               absl::StrCat("What is stored of datasets/", id, " is damaged."))
      .With("dataset", absl::StrCat("datasets/", id));
}

std::string Definition(const v1::Dataset& dataset) {
  v1::Dataset definition = dataset;
  definition.clear_name();
  definition.clear_version();
  definition.clear_example_count();
  definition.clear_digest();
  definition.clear_create_time();
  definition.clear_update_time();
  for (v1::Split& split : *definition.mutable_splits()) split.clear_example_count();
  return SerializeDeterministically(definition);
}

}  // namespace

std::optional<DatasetRow> FindDataset(SQLite::Database& db, const std::string& tenant, const std::string& id) {
  SQLite::Statement row =
      Query(db, "SELECT uid, numbered, definition, create_time FROM datasets WHERE tenant = ? AND id = ?", tenant, id);
  if (!row.executeStep()) return std::nullopt;
  return DatasetRow{row.getColumn(0).getInt64(), id, row.getColumn(1).getInt64(), row.getColumn(2).getString(),
                    row.getColumn(3).getInt64()};
}

std::optional<DatasetVersionRow> FindVersion(SQLite::Database& db, const DatasetRow& dataset, std::int64_t version) {
  SQLite::Statement row =
      Query(db,
            "SELECT version, generation, examples, digest, input_keys, create_time FROM dataset_versions "
            "WHERE dataset = ? AND (? = 0 OR version = ?) ORDER BY version DESC LIMIT 1",
            dataset.uid, version, version);
  if (!row.executeStep()) return std::nullopt;
  return DatasetVersionRow{row.getColumn(0).getInt64(),  row.getColumn(1).getInt64(),  row.getColumn(2).getInt64(),
                           row.getColumn(3).getString(), row.getColumn(4).getString(), row.getColumn(5).getInt64()};
}

absl::StatusOr<v1::Dataset> MakeDataset(const DatasetRow& row, const std::optional<DatasetVersionRow>& version) {
  using google::protobuf::util::TimeUtil;
  v1::Dataset dataset;
  if (!dataset.ParseFromString(row.definition)) return Damaged(row.id);
  dataset.set_name(absl::StrCat("datasets/", row.id));
  *dataset.mutable_create_time() = TimeUtil::NanosecondsToTimestamp(row.create_time);
  *dataset.mutable_update_time() = dataset.create_time();
  if (!version.has_value()) return dataset;
  const nlohmann::json keys = nlohmann::json::parse(version->input_keys, nullptr, /*allow_exceptions=*/false);
  if (!keys.is_array()) return Damaged(row.id);
  dataset.clear_input_keys();
  for (const nlohmann::json& key : keys) {
    if (!key.is_string()) return Damaged(row.id);
    dataset.add_input_keys(key.get<std::string>());
  }
  dataset.set_version(version->version);
  dataset.set_example_count(version->examples);
  dataset.set_digest(version->digest);
  *dataset.mutable_update_time() = TimeUtil::NanosecondsToTimestamp(version->create_time);
  return dataset;
}

absl::StatusOr<v1::Dataset> InsertDataset(SQLite::Database& db, const std::string& tenant, const std::string& id,
                                          absl::Time now, const v1::Dataset& dataset) {
  if (FindDataset(db, tenant, id).has_value()) return DatasetExists(id);
  SQLite::Statement retired =
      Query(db, "SELECT numbered FROM retired_datasets WHERE tenant = ? AND id = ?", tenant, id);
  const std::int64_t numbered = retired.executeStep() ? retired.getColumn(0).getInt64() : 0;
  const std::string definition = Definition(dataset);
  Execute(db, "INSERT INTO datasets (tenant, id, numbered, definition, create_time) VALUES (?, ?, ?, ?, ?)", tenant, id,
          numbered, Blob{definition}, absl::ToUnixNanos(now));
  return MakeDataset(*FindDataset(db, tenant, id), std::nullopt);
}

absl::Status DeleteDataset(SQLite::Database& db, const std::string& tenant, const std::string& id) {
  const std::optional<DatasetRow> row = FindDataset(db, tenant, id);
  if (!row.has_value()) return DatasetNotFound(id);
  Execute(db, "INSERT OR REPLACE INTO retired_datasets (tenant, id, numbered) VALUES (?, ?, ?)", tenant, id,
          row->numbered);
  Execute(db,
          "UPDATE dataset_generations SET examples = 0, loose = 1 "
          "WHERE uid IN (SELECT generation FROM dataset_versions WHERE dataset = ?)",
          row->uid);
  Execute(db, "DELETE FROM datasets WHERE uid = ?", row->uid);
  return absl::OkStatus();
}

}  // namespace dspex
