#include "dspex/v1/phrasebook_service.grpc.pb.h"
#include "server/rpc/services.h"
#include "server/service/phrasebook_service.h"

namespace dspex {

namespace {

class PhrasebookGrpcService final : public v1::PhrasebookService::CallbackService {
 public:
  PhrasebookGrpcService(Bridge& bridge, Metrics& metrics, PhrasebookService& service)
      : bridge_(bridge), service_(service), methods_(metrics, v1::PhrasebookService::service_full_name()) {}

  grpc::ServerUnaryReactor* CreatePhrasebook(grpc::CallbackServerContext* context,
                                             const v1::CreatePhrasebookRequest* request,
                                             v1::CreatePhrasebookResponse* response) override {
    return bridge_.Unary(
        context, create_phrasebook_, request, response,
        [this](RequestContext c, const auto& q, auto& r) { return service_.CreatePhrasebook(c, q, r); });
  }
  grpc::ServerUnaryReactor* GetPhrasebook(grpc::CallbackServerContext* context, const v1::GetPhrasebookRequest* request,
                                          v1::GetPhrasebookResponse* response) override {
    return bridge_.Unary(context, get_phrasebook_, request, response,
                         [this](RequestContext c, const auto& q, auto& r) { return service_.GetPhrasebook(c, q, r); });
  }
  grpc::ServerUnaryReactor* ListPhrasebooks(grpc::CallbackServerContext* context,
                                            const v1::ListPhrasebooksRequest* request,
                                            v1::ListPhrasebooksResponse* response) override {
    return bridge_.Unary(
        context, list_phrasebooks_, request, response,
        [this](RequestContext c, const auto& q, auto& r) { return service_.ListPhrasebooks(c, q, r); });
  }

 private:
  Bridge& bridge_;
  PhrasebookService& service_;
  MethodTable methods_;
  const Method& create_phrasebook_ = methods_.Add("CreatePhrasebook");
  const Method& get_phrasebook_ = methods_.Add("GetPhrasebook");
  const Method& list_phrasebooks_ = methods_.Add("ListPhrasebooks");
};

}  // namespace

std::unique_ptr<grpc::Service> MakePhrasebookGrpcService(Bridge& bridge, Metrics& metrics, PhrasebookService& service) {
  return std::make_unique<PhrasebookGrpcService>(bridge, metrics, service);
}

}  // namespace dspex
