#pragma once

#include <absl/status/status.h>
#include <absl/status/statusor.h>

#include "dspex/v1/dataset_service.pb.h"
#include "engine/dataset/example_schema.h"

namespace dspex {

namespace v1 {
class Program;
}

/// What is wrong with a dataset by itself: lengths, names and weights of splits, input keys, id. INVALID_ARGUMENT /
/// INVALID_REQUEST with a violation ("dataset.splits[1].weight").
absl::Status CheckDataset(const v1::Dataset& dataset);

/// What its examples must be; `program` is the one that it names, null if it names none. Errors as those of
/// ExampleSchema, FieldsOf and Signature::FromString, with paths below "dataset".
absl::StatusOr<ExampleSchema> SchemaOf(const v1::Dataset& dataset, const v1::Program* program);

}  // namespace dspex
