#pragma once

#include <absl/status/statusor.h>

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "dspex/v1/dataset_service.pb.h"
#include "engine/dataset/example_schema.h"
#include "server/store/dataset_store.h"

namespace dspex {

/// How the examples of an import become those of a dataset.
struct ImportRules {
  ExampleSchema schema;
  /// As Dataset.id_key.
  std::string id_key;
};

/// Where an example of an import comes from.
struct ExamplePlace {
  /// Its number in the import, from 1.
  std::int64_t number = 0;
  /// Its line in the file; 0 if that is not known.
  std::int64_t line = 0;
};

/// What a dataset takes of an example, its fields as JSON.
inline constexpr std::size_t kMaxExampleBytes = std::size_t{4} << 20;

/// Where the `index`th example of a part comes from; `before` examples came in earlier parts.
ExamplePlace PlaceIn(const v1::ImportExamplesRequest& part, int index, std::int64_t before);

/// An error of an example, with its place in message and metadata (`line`, `example`).
absl::Status AtPlace(const absl::Status& status, const ExamplePlace& place);

/// The end of a batch that begins with the example `begin` of the part: so many that to check and to store them takes
/// some milliseconds.
int BatchEnd(const v1::ImportExamplesRequest& part, int begin);

/// Checks examples of a part. The first that is wrong is the error: ExampleSchema::Check's, ParseJson's,
/// EXAMPLE_TOO_LARGE (metadata `limit`), or what is wrong with its id, all AtPlace and with `id` where it is known.
absl::StatusOr<std::vector<NewExample>> ReadBatch(const ImportRules& rules, const v1::ImportExamplesRequest& part,
                                                  int begin, int end, std::int64_t before);

}  // namespace dspex
