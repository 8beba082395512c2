#pragma once

#include <boost/asio/any_io_executor.hpp>
#include <memory>
#include <string>

#include "dspex/v1/dataset_service.pb.h"
#include "engine/base/context.h"
#include "engine/base/task.h"
#include "engine/base/task_scope.h"
#include "engine/dataset/example_schema.h"
#include "server/dataset/split_orders.h"
#include "server/job/job_store.h"
#include "server/rpc/call.h"
#include "server/store/blocking_pool.h"
#include "server/store/dataset_store.h"
#include "server/store/program_store.h"

namespace dspex {

struct ImportRules;

/// The RPCs of dspex.v1.DatasetService: checks requests and examples, and keeps datasets in the store. Thread-safe.
///
/// Errors are those of DatasetStore and ExampleSchema, and INVALID_ARGUMENT / INVALID_REQUEST with the violation of a
/// field of the request.
class DatasetService {
 public:
  /// All outlive this. What `jobs` need is not deleted. Examples are checked on `pool`; what a failed import or a
  /// deletion leaves behind is removed in `scope` on `executor`, which is single-threaded or a strand.
  DatasetService(DatasetStore& store, ProgramStore& programs, JobStore& jobs, SplitOrders& orders, BlockingPool& pool,
                 TaskScope& scope, asio::any_io_executor executor)
      : store_(store),
        programs_(programs),
        jobs_(jobs),
        orders_(orders),
        pool_(pool),
        scope_(scope),
        executor_(std::move(executor)) {}

  StatusTask CreateDataset(RequestContext context, const v1::CreateDatasetRequest& request,
                           v1::CreateDatasetResponse& response);
  StatusTask ImportExamples(RequestContext context, RequestReader<v1::ImportExamplesRequest>& parts,
                            v1::ImportExamplesResponse& response);
  StatusTask GetDataset(RequestContext context, const v1::GetDatasetRequest& request, v1::GetDatasetResponse& response);
  StatusTask ListDatasets(RequestContext context, const v1::ListDatasetsRequest& request,
                          v1::ListDatasetsResponse& response);
  StatusTask DeleteDataset(RequestContext context, const v1::DeleteDatasetRequest& request,
                           v1::DeleteDatasetResponse& response);
  StatusTask ListExamples(RequestContext context, const v1::ListExamplesRequest& request,
                          v1::ListExamplesResponse& response);

  /// Removes, in the background, what belongs to no version. Also for the start of the server.
  void Sweep();

 private:
  /// What examples of the dataset must be now.
  Task<ExampleSchema> FindSchema(std::string tenant, v1::Dataset dataset);
  Task<std::shared_ptr<const ImportRules>> FindRules(std::string tenant, std::string id);
  StatusTask AddPart(DatasetImport& import, std::shared_ptr<const ImportRules> rules,
                     std::shared_ptr<const v1::ImportExamplesRequest> part);
  Task<v1::Dataset> Import(std::shared_ptr<const ImportRules> rules, DatasetImport& import,
                           std::shared_ptr<v1::ImportExamplesRequest> first,
                           RequestReader<v1::ImportExamplesRequest>& parts);

  DatasetStore& store_;
  ProgramStore& programs_;
  JobStore& jobs_;
  SplitOrders& orders_;
  BlockingPool& pool_;
  TaskScope& scope_;
  const asio::any_io_executor executor_;
};

}  // namespace dspex
