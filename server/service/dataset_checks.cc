#include "server/service/dataset_checks.h"

#include <absl/container/flat_hash_set.h>
#include <absl/strings/str_cat.h>

#include <cmath>
#include <string>
#include <utility>
#include <vector>

#include "dspex/v1/program.pb.h"
#include "engine/base/error.h"
#include "engine/signature/signature.h"
#include "server/program/resource_name.h"
#include "server/service/request_checks.h"

namespace dspex {

namespace {

constexpr int kMaxSplits = 100;
constexpr int kMaxInputKeys = 200;
constexpr std::size_t kMaxKey = 256;

absl::Status CheckInputKeys(const v1::Dataset& dataset) {
  if (dataset.input_keys_size() > kMaxInputKeys) {
    return InvalidField("dataset.input_keys", "has too many keys",
                        absl::StrCat("The dataset has more than ", kMaxInputKeys, " input keys. Use fewer."));
  }
  absl::flat_hash_set<std::string> seen;
  for (int i = 0; i < dataset.input_keys_size(); ++i) {
    const std::string& key = dataset.input_keys(i);
    const std::string path = absl::StrCat("dataset.input_keys[", i, "]");
    if (absl::Status status = CheckLength(key, kMaxKey, path); !status.ok()) return status;
    if (key.empty() || key == dataset.id_key() || !seen.insert(key).second) {
      return InvalidField(
          path, "must be a field's name, once, and not the id",
          absl::StrCat("The ", path, " is empty, comes twice, or is the id_key. Name each input once."));
    }
  }
  return absl::OkStatus();
}

absl::Status CheckSplits(const v1::Dataset& dataset) {
  if (dataset.splits_size() > kMaxSplits) {
    return InvalidField("dataset.splits", "has too many splits",
                        absl::StrCat("The dataset has more than ", kMaxSplits, " splits. Use fewer."));
  }
  absl::flat_hash_set<std::string> seen;
  for (int i = 0; i < dataset.splits_size(); ++i) {
    const v1::Split& split = dataset.splits(i);
    const std::string path = absl::StrCat("dataset.splits[", i, "]");
    if (!IsProgramId(split.name()) || !seen.insert(split.name()).second) {
      return InvalidField(absl::StrCat(path, ".name"),
                          "must be a lower-case letter, then lower-case letters, digits or '-', and differ from others",
                          absl::StrCat("The name of ", path,
                                       " is not one a split can have, or comes twice. Start with a lower-case letter, "
                                       "go on with lower-case letters, digits or '-'."));
    }
    if (!std::isfinite(split.weight()) || split.weight() <= 0) {
      return InvalidField(absl::StrCat(path, ".weight"), "must be a number above 0",
                          absl::StrCat("The weight of the split ", split.name(), " is not above 0. Give its share."));
    }
  }
  return absl::OkStatus();
}

}  // namespace

absl::Status CheckDataset(const v1::Dataset& dataset) {
  absl::Status status = CheckLength(dataset.description(), kMaxDescription, "dataset.description");
  if (status.ok()) status = CheckLength(dataset.id_key(), kMaxKey, "dataset.id_key");
  if (status.ok()) status = CheckInputKeys(dataset);
  if (status.ok()) status = CheckSplits(dataset);
  return status;
}

absl::StatusOr<ExampleSchema> SchemaOf(const v1::Dataset& dataset, const v1::Program* program) {
  ExampleSchema::Options options;
  options.input_keys.assign(dataset.input_keys().begin(), dataset.input_keys().end());
  options.allow_other_fields = dataset.allow_other_fields();
  if (dataset.schema_case() == v1::Dataset::SCHEMA_NOT_SET) {
    return ExampleSchema::OfAnyFields(std::move(options));
  }
  const absl::StatusOr<Signature> fields =
      program != nullptr ? FieldsOf(*program) : Signature::FromString(dataset.signature());
  if (!fields.ok()) {
    return program != nullptr ? fields.status() : WithFieldPrefix(fields.status(), "dataset.signature");
  }
  absl::StatusOr<ExampleSchema> schema = ExampleSchema::OfFields(*fields, std::move(options));
  if (!schema.ok()) return WithFieldPrefix(schema.status(), "dataset.input_keys");
  return schema;
}

}  // namespace dspex
