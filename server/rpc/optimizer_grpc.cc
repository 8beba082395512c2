#include "dspex/v1/optimizer_service.grpc.pb.h"
#include "server/rpc/services.h"
#include "server/service/optimizer_service.h"

namespace dspex {

namespace {

class OptimizerGrpcService final : public v1::OptimizerService::CallbackService {
 public:
  OptimizerGrpcService(Bridge& bridge, Metrics& metrics, OptimizerService& service)
      : bridge_(bridge), service_(service), methods_(metrics, v1::OptimizerService::service_full_name()) {}

  grpc::ServerUnaryReactor* Compile(grpc::CallbackServerContext* context, const v1::CompileRequest* request,
                                    v1::CompileResponse* response) override {
    return bridge_.Unary(context, compile_, request, response,
                         [this](RequestContext c, const auto& q, auto& r) { return service_.Compile(c, q, r); });
  }
  grpc::ServerUnaryReactor* Evaluate(grpc::CallbackServerContext* context, const v1::EvaluateRequest* request,
                                     v1::EvaluateResponse* response) override {
    return bridge_.Unary(context, evaluate_, request, response,
                         [this](RequestContext c, const auto& q, auto& r) { return service_.Evaluate(c, q, r); });
  }
  grpc::ServerUnaryReactor* GetJob(grpc::CallbackServerContext* context, const v1::GetJobRequest* request,
                                   v1::GetJobResponse* response) override {
    return bridge_.Unary(context, get_job_, request, response,
                         [this](RequestContext c, const auto& q, auto& r) { return service_.GetJob(c, q, r); });
  }
  grpc::ServerUnaryReactor* ListJobs(grpc::CallbackServerContext* context, const v1::ListJobsRequest* request,
                                     v1::ListJobsResponse* response) override {
    return bridge_.Unary(context, list_jobs_, request, response,
                         [this](RequestContext c, const auto& q, auto& r) { return service_.ListJobs(c, q, r); });
  }
  grpc::ServerWriteReactor<v1::WatchJobResponse>* WatchJob(grpc::CallbackServerContext* context,
                                                           const v1::WatchJobRequest* request) override {
    return bridge_.ServerStream<v1::WatchJobResponse>(
        context, watch_job_, request,
        [this](RequestContext c, const auto& q, auto& w) { return service_.WatchJob(c, q, w); });
  }
  grpc::ServerUnaryReactor* CancelJob(grpc::CallbackServerContext* context, const v1::CancelJobRequest* request,
                                      v1::CancelJobResponse* response) override {
    return bridge_.Unary(context, cancel_job_, request, response,
                         [this](RequestContext c, const auto& q, auto& r) { return service_.CancelJob(c, q, r); });
  }
  grpc::ServerUnaryReactor* ResumeJob(grpc::CallbackServerContext* context, const v1::ResumeJobRequest* request,
                                      v1::ResumeJobResponse* response) override {
    return bridge_.Unary(context, resume_job_, request, response,
                         [this](RequestContext c, const auto& q, auto& r) { return service_.ResumeJob(c, q, r); });
  }
  grpc::ServerUnaryReactor* ListCandidates(grpc::CallbackServerContext* context,
                                           const v1::ListCandidatesRequest* request,
                                           v1::ListCandidatesResponse* response) override {
    return bridge_.Unary(context, list_candidates_, request, response,
                         [this](RequestContext c, const auto& q, auto& r) { return service_.ListCandidates(c, q, r); });
  }
  grpc::ServerUnaryReactor* ListExampleResults(grpc::CallbackServerContext* context,
                                               const v1::ListExampleResultsRequest* request,
                                               v1::ListExampleResultsResponse* response) override {
    return bridge_.Unary(
        context, list_example_results_, request, response,
        [this](RequestContext c, const auto& q, auto& r) { return service_.ListExampleResults(c, q, r); });
  }
  grpc::ServerUnaryReactor* PromoteCandidate(grpc::CallbackServerContext* context,
                                             const v1::PromoteCandidateRequest* request,
                                             v1::PromoteCandidateResponse* response) override {
    return bridge_.Unary(
        context, promote_candidate_, request, response,
        [this](RequestContext c, const auto& q, auto& r) { return service_.PromoteCandidate(c, q, r); });
  }
  grpc::ServerUnaryReactor* CompareEvaluations(grpc::CallbackServerContext* context,
                                               const v1::CompareEvaluationsRequest* request,
                                               v1::CompareEvaluationsResponse* response) override {
    return bridge_.Unary(
        context, compare_evaluations_, request, response,
        [this](RequestContext c, const auto& q, auto& r) { return service_.CompareEvaluations(c, q, r); });
  }

 private:
  Bridge& bridge_;
  OptimizerService& service_;
  MethodTable methods_;
  const Method& compile_ = methods_.Add("Compile");
  const Method& evaluate_ = methods_.Add("Evaluate");
  const Method& get_job_ = methods_.Add("GetJob");
  const Method& list_jobs_ = methods_.Add("ListJobs");
  const Method& watch_job_ = methods_.Add("WatchJob");
  const Method& cancel_job_ = methods_.Add("CancelJob");
  const Method& resume_job_ = methods_.Add("ResumeJob");
  const Method& list_candidates_ = methods_.Add("ListCandidates");
  const Method& list_example_results_ = methods_.Add("ListExampleResults");
  const Method& promote_candidate_ = methods_.Add("PromoteCandidate");
  const Method& compare_evaluations_ = methods_.Add("CompareEvaluations");
};

}  // namespace

std::unique_ptr<grpc::Service> MakeOptimizerGrpcService(Bridge& bridge, Metrics& metrics, OptimizerService& service) {
  return std::make_unique<OptimizerGrpcService>(bridge, metrics, service);
}

}  // namespace dspex
