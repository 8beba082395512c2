#include <absl/strings/numbers.h>
#include <absl/strings/str_cat.h>

#include <functional>
#include <utility>
#include <vector>

#include "engine/base/error.h"
#include "engine/base/reasons.h"
#include "server/dataset/dataset_name.h"
#include "server/service/dataset_service.h"
#include "server/service/import_batch.h"
#include "server/service/request_checks.h"

namespace dspex {

namespace {

absl::Status Incomplete() {
  return Error(absl::StatusCode::kInvalidArgument, reason::kImportIncomplete,
               "The stream ended before its last part, so nothing was imported. Set `last` in the last part.");
}

absl::Status NoExamples() {
  return InvalidField("examples", "must not be empty", "The import has no examples. Give at least one.");
}

absl::Status CheckPart(const v1::ImportExamplesRequest& part, bool first) {
  if (!first && !part.name().empty()) {
    return InvalidField("name", "must only be in the first part",
                        "A part after the first one has a name. Give the dataset's name in the first part only.");
  }
  if (!part.lines().empty() && part.lines_size() != part.examples_size()) {
    return InvalidField("lines", "must be as many as examples, or none",
                        absl::StrCat("A part has ", part.examples_size(), " examples and ", part.lines_size(),
                                     " lines. Give a line for each example, or none."));
  }
  return absl::OkStatus();
}

// The store's error of a batch, with the place of the example.
absl::Status PlacedInBatch(const absl::Status& status, const v1::ImportExamplesRequest& part, int begin,
                           std::int64_t before) {
  int index = 0;
  if (!absl::SimpleAtoi(ErrorMetadata(status, "batch_index"), &index)) return status;
  return AtPlace(status, PlaceIn(part, begin + index, before));
}

absl::StatusOr<WriteRequest> ReadStart(const RequestContext& context, const v1::ImportExamplesRequest& first) {
  // The store adds what the examples are.
  v1::ImportExamplesRequest start;
  start.set_name(first.name());
  start.set_mode(first.mode());
  start.set_request_id(first.request_id());
  return ReadWriteRequest(context, start);
}

}  // namespace

Task<std::shared_ptr<const ImportRules>> DatasetService::FindRules(std::string tenant, std::string id) {
  absl::StatusOr<StoredDataset> stored = co_await store_.Get(tenant, std::move(id), 0);
  if (!stored.ok()) co_return stored.status();
  v1::Dataset& dataset = stored->dataset;
  // Those of a version may be its schema's, which can have changed since.
  dataset.mutable_input_keys()->Assign(stored->own_input_keys.begin(), stored->own_input_keys.end());
  absl::StatusOr<ExampleSchema> schema = co_await FindSchema(std::move(tenant), dataset);
  if (!schema.ok()) co_return schema.status();
  co_return std::make_shared<const ImportRules>(ImportRules{*std::move(schema), dataset.id_key()});
}

StatusTask DatasetService::AddPart(DatasetImport& import, std::shared_ptr<const ImportRules> rules,
                                   std::shared_ptr<const v1::ImportExamplesRequest> part) {
  const std::int64_t before = import.added();
  for (int begin = 0; begin < part->examples_size();) {
    const int end = BatchEnd(*part, begin);
    std::function<absl::StatusOr<std::vector<NewExample>>()> read = [rules, part, begin, end, before] {
      return ReadBatch(*rules, *part, begin, end, before);
    };
    absl::StatusOr<std::vector<NewExample>> batch = co_await pool_.Run<std::vector<NewExample>>(std::move(read));
    if (!batch.ok()) co_return batch.status();
    const absl::Status added = co_await import.Add(*std::move(batch));
    if (!added.ok()) co_return PlacedInBatch(added, *part, begin, before);
    begin = end;
  }
  co_return absl::OkStatus();
}

Task<v1::Dataset> DatasetService::Import(std::shared_ptr<const ImportRules> rules, DatasetImport& import,
                                         std::shared_ptr<v1::ImportExamplesRequest> first,
                                         RequestReader<v1::ImportExamplesRequest>& parts) {
  for (std::shared_ptr<v1::ImportExamplesRequest> part = first;;) {
    if (absl::Status valid = CheckPart(*part, part == first); !valid.ok()) co_return valid;
    if (absl::Status added = co_await AddPart(import, rules, part); !added.ok()) co_return added;
    if (part->last()) break;
    part = std::make_shared<v1::ImportExamplesRequest>();
    const absl::StatusOr<bool> more = co_await parts.Read(*part);
    if (!more.ok()) co_return more.status();
    if (!*more) co_return Incomplete();
  }
  if (import.added() == 0) co_return NoExamples();
  co_return co_await import.Finish(rules->schema.input_keys());
}

StatusTask DatasetService::ImportExamples(RequestContext context, RequestReader<v1::ImportExamplesRequest>& parts,
                                          v1::ImportExamplesResponse& response) {
  const auto first = std::make_shared<v1::ImportExamplesRequest>();
  const absl::StatusOr<bool> any = co_await parts.Read(*first);
  if (!any.ok()) co_return any.status();
  if (!*any) co_return Incomplete();
  const absl::StatusOr<std::string> id = ParseWholeDatasetName(first->name(), "name");
  if (!id.ok()) co_return id.status();
  absl::StatusOr<WriteRequest> write = ReadStart(context, *first);
  if (!write.ok()) co_return write.status();
  absl::StatusOr<std::shared_ptr<const ImportRules>> rules = co_await FindRules(write->tenant, *id);
  if (!rules.ok()) co_return rules.status();
  absl::StatusOr<std::unique_ptr<DatasetImport>> import =
      co_await store_.StartImport(*std::move(write), *id, first->mode() == v1::IMPORT_MODE_REPLACE);
  if (!import.ok()) co_return import.status();
  absl::StatusOr<v1::Dataset> made = co_await Import(*std::move(rules), **import, first, parts);
  if (!made.ok()) {
    import->reset();
    Sweep();
    co_return made.status();
  }
  CountSplits(*made);
  *response.mutable_dataset() = *std::move(made);
  co_return absl::OkStatus();
}

}  // namespace dspex
