#include "dspex/v1/prediction_service.grpc.pb.h"
#include "server/rpc/services.h"
#include "server/service/prediction_service.h"

namespace dspex {

namespace {

class PredictionGrpcService final : public v1::PredictionService::CallbackService {
 public:
  PredictionGrpcService(Bridge& bridge, Metrics& metrics, PredictionService& service)
      : bridge_(bridge), service_(service), methods_(metrics, v1::PredictionService::service_full_name()) {}

  grpc::ServerUnaryReactor* Forward(grpc::CallbackServerContext* context, const v1::ForwardRequest* request,
                                    v1::ForwardResponse* response) override {
    return bridge_.Unary(context, forward_, request, response,
                         [this](RequestContext c, const auto& q, auto& r) { return service_.Forward(c, q, r); });
  }
  grpc::ServerWriteReactor<v1::ForwardStreamResponse>* ForwardStream(grpc::CallbackServerContext* context,
                                                                     const v1::ForwardStreamRequest* request) override {
    return bridge_.ServerStream<v1::ForwardStreamResponse>(
        context, forward_stream_, request,
        [this](RequestContext c, const auto& q, auto& w) { return service_.ForwardStream(c, q, w); });
  }
  grpc::ServerWriteReactor<v1::ForwardBatchResponse>* ForwardBatch(grpc::CallbackServerContext* context,
                                                                   const v1::ForwardBatchRequest* request) override {
    return bridge_.ServerStream<v1::ForwardBatchResponse>(
        context, forward_batch_, request,
        [this](RequestContext c, const auto& q, auto& w) { return service_.ForwardBatch(c, q, w); });
  }
  grpc::ServerUnaryReactor* Render(grpc::CallbackServerContext* context, const v1::RenderRequest* request,
                                   v1::RenderResponse* response) override {
    return bridge_.Unary(context, render_, request, response,
                         [this](RequestContext c, const auto& q, auto& r) { return service_.Render(c, q, r); });
  }
  grpc::ServerUnaryReactor* Parse(grpc::CallbackServerContext* context, const v1::ParseRequest* request,
                                  v1::ParseResponse* response) override {
    return bridge_.Unary(context, parse_, request, response,
                         [this](RequestContext c, const auto& q, auto& r) { return service_.Parse(c, q, r); });
  }

 private:
  Bridge& bridge_;
  PredictionService& service_;
  MethodTable methods_;
  const Method& forward_ = methods_.Add("Forward");
  const Method& forward_stream_ = methods_.Add("ForwardStream");
  const Method& forward_batch_ = methods_.Add("ForwardBatch");
  const Method& render_ = methods_.Add("Render");
  const Method& parse_ = methods_.Add("Parse");
};

}  // namespace

std::unique_ptr<grpc::Service> MakePredictionGrpcService(Bridge& bridge, Metrics& metrics, PredictionService& service) {
  return std::make_unique<PredictionGrpcService>(bridge, metrics, service);
}

}  // namespace dspex
