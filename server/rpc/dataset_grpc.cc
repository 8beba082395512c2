#include "dspex/v1/dataset_service.grpc.pb.h"
#include "server/rpc/services.h"
#include "server/service/dataset_service.h"

namespace dspex {

namespace {

class DatasetGrpcService final : public v1::DatasetService::CallbackService {
 public:
  DatasetGrpcService(Bridge& bridge, Metrics& metrics, DatasetService& service)
      : bridge_(bridge), service_(service), methods_(metrics, v1::DatasetService::service_full_name()) {}

  grpc::ServerUnaryReactor* CreateDataset(grpc::CallbackServerContext* context, const v1::CreateDatasetRequest* request,
                                          v1::CreateDatasetResponse* response) override {
    return bridge_.Unary(context, create_dataset_, request, response,
                         [this](RequestContext c, const auto& q, auto& r) { return service_.CreateDataset(c, q, r); });
  }
  grpc::ServerReadReactor<v1::ImportExamplesRequest>* ImportExamples(grpc::CallbackServerContext* context,
                                                                     v1::ImportExamplesResponse* response) override {
    return bridge_.ClientStream<v1::ImportExamplesRequest>(
        context, import_examples_, response,
        [this](RequestContext c, auto& parts, auto& r) { return service_.ImportExamples(c, parts, r); });
  }
  grpc::ServerUnaryReactor* GetDataset(grpc::CallbackServerContext* context, const v1::GetDatasetRequest* request,
                                       v1::GetDatasetResponse* response) override {
    return bridge_.Unary(context, get_dataset_, request, response,
                         [this](RequestContext c, const auto& q, auto& r) { return service_.GetDataset(c, q, r); });
  }
  grpc::ServerUnaryReactor* ListDatasets(grpc::CallbackServerContext* context, const v1::ListDatasetsRequest* request,
                                         v1::ListDatasetsResponse* response) override {
    return bridge_.Unary(context, list_datasets_, request, response,
                         [this](RequestContext c, const auto& q, auto& r) { return service_.ListDatasets(c, q, r); });
  }
  grpc::ServerUnaryReactor* DeleteDataset(grpc::CallbackServerContext* context, const v1::DeleteDatasetRequest* request,
                                          v1::DeleteDatasetResponse* response) override {
    return bridge_.Unary(context, delete_dataset_, request, response,
                         [this](RequestContext c, const auto& q, auto& r) { return service_.DeleteDataset(c, q, r); });
  }
  grpc::ServerUnaryReactor* ListExamples(grpc::CallbackServerContext* context, const v1::ListExamplesRequest* request,
                                         v1::ListExamplesResponse* response) override {
    return bridge_.Unary(context, list_examples_, request, response,
                         [this](RequestContext c, const auto& q, auto& r) { return service_.ListExamples(c, q, r); });
  }

 private:
  Bridge& bridge_;
  DatasetService& service_;
  MethodTable methods_;
  const Method& create_dataset_ = methods_.Add("CreateDataset");
  const Method& import_examples_ = methods_.Add("ImportExamples");
  const Method& get_dataset_ = methods_.Add("GetDataset");
  const Method& list_datasets_ = methods_.Add("ListDatasets");
  const Method& delete_dataset_ = methods_.Add("DeleteDataset");
  const Method& list_examples_ = methods_.Add("ListExamples");
};

}  // namespace

std::unique_ptr<grpc::Service> MakeDatasetGrpcService(Bridge& bridge, Metrics& metrics, DatasetService& service) {
  return std::make_unique<DatasetGrpcService>(bridge, metrics, service);
}

}  // namespace dspex
