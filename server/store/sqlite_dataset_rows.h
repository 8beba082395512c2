#pragma once

#include <absl/status/statusor.h>
#include <absl/time/time.h>

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "server/store/dataset_store.h"

namespace SQLite {
class Database;
}

namespace dspex {

/// A row of `datasets`.
struct DatasetRow {
  std::int64_t uid = 0;
  std::string id;
  std::int64_t numbered = 0;
  std::string definition;
  std::int64_t create_time = 0;
};

/// A row of `dataset_versions`.
struct DatasetVersionRow {
  std::int64_t version = 0;
  std::int64_t generation = 0;
  std::int64_t examples = 0;
  std::string digest;
  std::string input_keys;
  std::int64_t create_time = 0;
};

/// What the tables of datasets hold; all throw SQLite::Exception.
std::optional<DatasetRow> FindDataset(SQLite::Database& db, const std::string& tenant, const std::string& id);
/// Version 0 is the newest.
std::optional<DatasetVersionRow> FindVersion(SQLite::Database& db, const DatasetRow& dataset, std::int64_t version);

/// The dataset as clients see it, with the name of the whole dataset. Without a version: one that is empty.
absl::StatusOr<v1::Dataset> MakeDataset(const DatasetRow& row, const std::optional<DatasetVersionRow>& version);

absl::StatusOr<v1::Dataset> InsertDataset(SQLite::Database& db, const std::string& tenant, const std::string& id,
                                          absl::Time now, const v1::Dataset& dataset);
/// Its examples become loose.
absl::Status DeleteDataset(SQLite::Database& db, const std::string& tenant, const std::string& id);

/// Where an example lies. Indices are below 2^32.
inline std::int64_t PlaceOf(std::int64_t generation, std::int64_t index) { return (generation << 32) + index; }

}  // namespace dspex
