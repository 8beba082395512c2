#include "server/service/dataset_service.h"

#include <absl/strings/numbers.h>
#include <absl/strings/str_cat.h>
#include <absl/strings/str_split.h>

#include <utility>
#include <vector>

#include "engine/base/error.h"
#include "engine/base/reasons.h"
#include "server/dataset/dataset_name.h"
#include "server/program/resource_name.h"
#include "server/service/dataset_checks.h"
#include "server/service/page_token.h"
#include "server/service/request_checks.h"

namespace dspex {

namespace {

// A page stays below the 4 MiB that gRPC clients take by default, but for a single example that is larger.
constexpr std::size_t kMaxPageBytes = std::size_t{3} << 20;

// Where a page of examples begins: the version that the first page had, and the place in it.
struct ExamplesCursor {
  std::int64_t version = 0;
  std::int64_t place = 0;
};

ExamplesCursor ReadCursor(absl::string_view last) {
  ExamplesCursor cursor;
  const std::pair<absl::string_view, absl::string_view> parts = absl::StrSplit(last, absl::MaxSplits('/', 1));
  // A token that was made for this list holds two numbers.
  (void)absl::SimpleAtoi(parts.first, &cursor.version);
  (void)absl::SimpleAtoi(parts.second, &cursor.place);
  return cursor;
}

absl::Status InUse(const std::string& id, const std::string& job) {
  return Error(absl::StatusCode::kFailedPrecondition, reason::kDatasetInUse,
               absl::StrCat("datasets/", id, " is needed by ", job, ". Wait until that has ended, or cancel it."))
      .With("dataset", absl::StrCat("datasets/", id))
      .With("job", job);
}

}  // namespace

Task<ExampleSchema> DatasetService::FindSchema(std::string tenant, v1::Dataset dataset) {
  if (dataset.schema_case() != v1::Dataset::kProgram) co_return SchemaOf(dataset, nullptr);
  absl::StatusOr<std::string> id = ParseWholeProgramName(dataset.program(), "dataset.program");
  if (!id.ok()) co_return id.status();
  const absl::StatusOr<v1::Program> program = co_await programs_.Get(std::move(tenant), *std::move(id), {});
  if (!program.ok()) co_return WithFieldPrefix(program.status(), "dataset.program");
  co_return SchemaOf(dataset, &*program);
}

StatusTask DatasetService::CreateDataset(RequestContext context, const v1::CreateDatasetRequest& request,
                                         v1::CreateDatasetResponse& response) {
  const std::string& id = request.dataset_id();
  if (!IsProgramId(id)) {
    co_return InvalidField("dataset_id", "must be a lower-case letter, then lower-case letters, digits or '-'",
                           "The dataset_id is not one a dataset can have. Start with a lower-case letter, go on with "
                           "lower-case letters, digits or '-', 63 characters at most.");
  }
  absl::StatusOr<WriteRequest> write = ReadWriteRequest(context, request);
  if (!write.ok()) co_return write.status();
  if (absl::Status valid = CheckDataset(request.dataset()); !valid.ok()) co_return valid;
  const absl::StatusOr<ExampleSchema> schema = co_await FindSchema(write->tenant, request.dataset());
  if (!schema.ok()) co_return schema.status();
  if (!request.validate_only()) {
    absl::StatusOr<v1::Dataset> created = co_await store_.Create(*std::move(write), id, request.dataset());
    if (!created.ok()) co_return created.status();
    CountSplits(*created);
    *response.mutable_dataset() = *std::move(created);
    co_return absl::OkStatus();
  }
  const absl::StatusOr<StoredDataset> existing = co_await store_.Get(write->tenant, id, 0);
  if (existing.ok()) co_return DatasetExists(id);
  if (!absl::IsNotFound(existing.status())) co_return existing.status();
  *response.mutable_dataset() = request.dataset();
  response.mutable_dataset()->set_name(absl::StrCat("datasets/", id));
  co_return absl::OkStatus();
}

StatusTask DatasetService::GetDataset(RequestContext context, const v1::GetDatasetRequest& request,
                                      v1::GetDatasetResponse& response) {
  const absl::StatusOr<DatasetName> name = ParseDatasetName(request.name(), "name");
  if (!name.ok()) co_return name.status();
  absl::StatusOr<StoredDataset> stored = co_await store_.Get(context.record().tenant, name->id, name->version);
  if (!stored.ok()) co_return stored.status();
  CountSplits(stored->dataset);
  *response.mutable_dataset() = std::move(stored->dataset);
  co_return absl::OkStatus();
}

StatusTask DatasetService::ListDatasets(RequestContext context, const v1::ListDatasetsRequest& request,
                                        v1::ListDatasetsResponse& response) {
  const std::string list = absl::StrCat("ListDatasets/", context.record().tenant);
  const absl::StatusOr<int> page_size = ReadPageSize(request.page_size());
  if (!page_size.ok()) co_return page_size.status();
  absl::StatusOr<std::string> after = ReadPageToken(list, request.page_token());
  if (!after.ok()) co_return after.status();
  absl::StatusOr<DatasetPage> page = co_await store_.List(context.record().tenant, *std::move(after), *page_size);
  if (!page.ok()) co_return page.status();
  if (page->more) {
    const absl::StatusOr<DatasetName> last = ParseDatasetName(page->datasets.back().name(), "name");
    if (!last.ok()) co_return last.status();
    response.set_next_page_token(MakePageToken(list, last->id));
  }
  for (v1::Dataset& dataset : page->datasets) {
    CountSplits(dataset);
    *response.add_datasets() = std::move(dataset);
  }
  co_return absl::OkStatus();
}

StatusTask DatasetService::DeleteDataset(RequestContext context, const v1::DeleteDatasetRequest& request,
                                         v1::DeleteDatasetResponse&) {
  absl::StatusOr<std::string> id = ParseWholeDatasetName(request.name(), "name");
  if (!id.ok()) co_return id.status();
  absl::StatusOr<WriteRequest> write = ReadWriteRequest(context, request);
  if (!write.ok()) co_return write.status();
  const absl::StatusOr<std::string> job = co_await jobs_.FindUserOf(context.record().tenant, *id);
  if (!job.ok()) co_return job.status();
  if (!job->empty()) co_return InUse(*id, *job);
  const absl::Status deleted = co_await store_.Delete(*std::move(write), *std::move(id));
  if (deleted.ok()) Sweep();
  co_return deleted;
}

StatusTask DatasetService::ListExamples(RequestContext context, const v1::ListExamplesRequest& request,
                                        v1::ListExamplesResponse& response) {
  const absl::StatusOr<DatasetName> name = ParseDatasetName(request.name(), "name");
  if (!name.ok()) co_return name.status();
  const absl::StatusOr<int> page_size = ReadPageSize(request.page_size());
  if (!page_size.ok()) co_return page_size.status();
  const std::string list =
      absl::StrCat("ListExamples/", context.record().tenant, "/", request.name(), "/", request.split());
  const absl::StatusOr<std::string> last = ReadPageToken(list, request.page_token());
  if (!last.ok()) co_return last.status();
  const ExamplesCursor cursor = ReadCursor(*last);
  // What is appended while a client goes through the pages is not on them.
  const std::int64_t version = last->empty() ? name->version : cursor.version;
  const absl::StatusOr<StoredDataset> stored = co_await store_.Get(context.record().tenant, name->id, version);
  if (!stored.ok()) co_return stored.status();
  const absl::StatusOr<ExampleOrder> order = co_await orders_.Find(stored->dataset, request.split());
  if (!order.ok()) co_return order.status();
  std::vector<std::int64_t> indices = order->IndicesFrom(cursor.place, *page_size);
  if (indices.empty()) co_return absl::OkStatus();
  absl::StatusOr<std::vector<StoredExample>> examples =
      co_await store_.Read(stored->generation, std::move(indices), kMaxPageBytes);
  if (!examples.ok()) co_return examples.status();
  const std::int64_t next = cursor.place + static_cast<std::int64_t>(examples->size());
  if (next < order->size()) {
    response.set_next_page_token(MakePageToken(list, absl::StrCat(stored->dataset.version(), "/", next)));
  }
  for (StoredExample& example : *examples) {
    v1::DatasetExample& listed = *response.add_examples();
    listed.set_id(std::move(example.id));
    listed.set_index(example.index);
    listed.mutable_example()->set_fields_json(std::move(example.fields_json));
  }
  co_return absl::OkStatus();
}

void DatasetService::Sweep() {
  // What is left when the server goes away is removed at its next start.
  scope_.Spawn(executor_, store_.Sweep());
}

}  // namespace dspex
