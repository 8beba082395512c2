#pragma once

#include <absl/status/statusor.h>
#include <absl/strings/string_view.h>

#include <cstdint>
#include <string>

namespace dspex {

/// A dataset, or one version of it.
struct DatasetName {
  std::string id;
  /// 0: the newest.
  std::int64_t version = 0;
};

/// Reads "datasets/{id}" or "datasets/{id}@{version}"; ids have the form of a program's. INVALID_ARGUMENT /
/// INVALID_REQUEST with a violation of the request's `field`.
absl::StatusOr<DatasetName> ParseDatasetName(absl::string_view name, absl::string_view field);

/// Reads "datasets/{id}", the whole dataset; returns the id.
absl::StatusOr<std::string> ParseWholeDatasetName(absl::string_view name, absl::string_view field);

}  // namespace dspex
