#include "dspex/v1/program_service.grpc.pb.h"
#include "server/rpc/services.h"
#include "server/service/program_service.h"

namespace dspex {

namespace {

class ProgramGrpcService final : public v1::ProgramService::CallbackService {
 public:
  ProgramGrpcService(Bridge& bridge, Metrics& metrics, ProgramService& service)
      : bridge_(bridge), service_(service), methods_(metrics, v1::ProgramService::service_full_name()) {}

  grpc::ServerUnaryReactor* CreateProgram(grpc::CallbackServerContext* context, const v1::CreateProgramRequest* request,
                                          v1::CreateProgramResponse* response) override {
    return bridge_.Unary(context, create_program_, request, response,
                         [this](RequestContext c, const auto& q, auto& r) { return service_.CreateProgram(c, q, r); });
  }
  grpc::ServerUnaryReactor* GetProgram(grpc::CallbackServerContext* context, const v1::GetProgramRequest* request,
                                       v1::GetProgramResponse* response) override {
    return bridge_.Unary(context, get_program_, request, response,
                         [this](RequestContext c, const auto& q, auto& r) { return service_.GetProgram(c, q, r); });
  }
  grpc::ServerUnaryReactor* ListPrograms(grpc::CallbackServerContext* context, const v1::ListProgramsRequest* request,
                                         v1::ListProgramsResponse* response) override {
    return bridge_.Unary(context, list_programs_, request, response,
                         [this](RequestContext c, const auto& q, auto& r) { return service_.ListPrograms(c, q, r); });
  }
  grpc::ServerUnaryReactor* UpdateProgram(grpc::CallbackServerContext* context, const v1::UpdateProgramRequest* request,
                                          v1::UpdateProgramResponse* response) override {
    return bridge_.Unary(context, update_program_, request, response,
                         [this](RequestContext c, const auto& q, auto& r) { return service_.UpdateProgram(c, q, r); });
  }
  grpc::ServerUnaryReactor* DeleteProgram(grpc::CallbackServerContext* context, const v1::DeleteProgramRequest* request,
                                          v1::DeleteProgramResponse* response) override {
    return bridge_.Unary(context, delete_program_, request, response,
                         [this](RequestContext c, const auto& q, auto& r) { return service_.DeleteProgram(c, q, r); });
  }
  grpc::ServerUnaryReactor* ListProgramRevisions(grpc::CallbackServerContext* context,
                                                 const v1::ListProgramRevisionsRequest* request,
                                                 v1::ListProgramRevisionsResponse* response) override {
    return bridge_.Unary(
        context, list_program_revisions_, request, response,
        [this](RequestContext c, const auto& q, auto& r) { return service_.ListProgramRevisions(c, q, r); });
  }
  grpc::ServerUnaryReactor* SetProgramLabel(grpc::CallbackServerContext* context,
                                            const v1::SetProgramLabelRequest* request,
                                            v1::SetProgramLabelResponse* response) override {
    return bridge_.Unary(
        context, set_program_label_, request, response,
        [this](RequestContext c, const auto& q, auto& r) { return service_.SetProgramLabel(c, q, r); });
  }
  grpc::ServerUnaryReactor* ImportState(grpc::CallbackServerContext* context, const v1::ImportStateRequest* request,
                                        v1::ImportStateResponse* response) override {
    return bridge_.Unary(context, import_state_, request, response,
                         [this](RequestContext c, const auto& q, auto& r) { return service_.ImportState(c, q, r); });
  }
  grpc::ServerUnaryReactor* ExportState(grpc::CallbackServerContext* context, const v1::ExportStateRequest* request,
                                        v1::ExportStateResponse* response) override {
    return bridge_.Unary(context, export_state_, request, response,
                         [this](RequestContext c, const auto& q, auto& r) { return service_.ExportState(c, q, r); });
  }

 private:
  Bridge& bridge_;
  ProgramService& service_;
  MethodTable methods_;
  const Method& create_program_ = methods_.Add("CreateProgram");
  const Method& get_program_ = methods_.Add("GetProgram");
  const Method& list_programs_ = methods_.Add("ListPrograms");
  const Method& update_program_ = methods_.Add("UpdateProgram");
  const Method& delete_program_ = methods_.Add("DeleteProgram");
  const Method& list_program_revisions_ = methods_.Add("ListProgramRevisions");
  const Method& set_program_label_ = methods_.Add("SetProgramLabel");
  const Method& import_state_ = methods_.Add("ImportState");
  const Method& export_state_ = methods_.Add("ExportState");
};

}  // namespace

std::unique_ptr<grpc::Service> MakeProgramGrpcService(Bridge& bridge, Metrics& metrics, ProgramService& service) {
  return std::make_unique<ProgramGrpcService>(bridge, metrics, service);
}

}  // namespace dspex
