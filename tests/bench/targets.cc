#include "tests/bench/targets.h"

#include <absl/status/status.h>
#include <absl/strings/str_cat.h>
#include <absl/strings/str_format.h>
#include <grpcpp/grpcpp.h>

#include <random>
#include <utility>

#include "dspex/v1/prediction_service.grpc.pb.h"
#include "dspex/v1/program_service.grpc.pb.h"
#include "floor.grpc.pb.h"

namespace dspex::bench {
namespace {

// One call in flight.
template <typename Request, typename Response>
struct Call {
  grpc::ClientContext context;
  Request request;
  Response response;
};

template <typename Service>
std::vector<std::shared_ptr<typename Service::Stub>> Stubs(const Channels& channels) {
  std::vector<std::shared_ptr<typename Service::Stub>> stubs;
  for (const auto& channel : channels) stubs.push_back(Service::NewStub(channel));
  return stubs;
}

absl::Status ToStatus(const grpc::Status& status) {
  return absl::Status(static_cast<absl::StatusCode>(status.error_code()), status.error_message());
}

absl::Status Configure(const Channels& floor, std::string prefix, std::string suffix) {
  ConfigureRequest request;
  request.set_prefix(std::move(prefix));
  request.set_suffix(std::move(suffix));
  ConfigureResponse response;
  grpc::ClientContext context;
  return ToStatus(FloorService::NewStub(floor[0])->Configure(&context, request, &response));
}

absl::Status CreateProgram(const Channels& dspex, const std::string& id, int demos) {
  v1::CreateProgramRequest request;
  request.set_program_id(id);
  request.mutable_program()->set_lm("openai/gpt-4o-mini");
  v1::Module* module = request.mutable_program()->add_modules();
  module->set_id("answer");
  module->mutable_predict()->set_signature("question -> reasoning, answer");
  for (int i = 0; i < demos; ++i) {
    auto& fields = *module->mutable_predict()->add_demos()->mutable_fields()->mutable_fields();
    fields["question"].set_string_value(absl::StrFormat(
        "Which city is the capital of country number %d, and since when has it been the seat of its government?", i));
    fields["reasoning"].set_string_value(absl::StrFormat(
        "Country number %d moved its government once, after the reform of its constitution, \"for good\" as its\n"
        "parliament put it; the city has kept the courts, both chambers and the ministries ever since.",
        i));
    fields["answer"].set_string_value(absl::StrFormat("City number %d", i));
  }
  v1::CreateProgramResponse response;
  grpc::ClientContext context;
  const grpc::Status status = v1::ProgramService::NewStub(dspex[0])->CreateProgram(&context, request, &response);
  return status.error_code() == grpc::StatusCode::ALREADY_EXISTS ? absl::OkStatus() : ToStatus(status);
}

}  // namespace

Channels Connect(const std::string& target, int count) {
  Channels channels;
  for (int i = 0; i < count; ++i) {
    grpc::ChannelArguments arguments;
    arguments.SetInt(GRPC_ARG_USE_LOCAL_SUBCHANNEL_POOL, 1);  // A connection of its own.
    channels.push_back(grpc::CreateCustomChannel(target, grpc::InsecureChannelCredentials(), arguments));
  }
  return channels;
}

std::string Question(int64_t n) {
  static const uint64_t base = (uint64_t{std::random_device()()} << 32) | std::random_device()();
  return absl::StrFormat(
      "Which city is the capital of the country with the registration number %016x, and what is it best known for?",
      base + static_cast<uint64_t>(n));
}

absl::StatusOr<StartRequest> FloorRequests(const Channels& channels, absl::string_view method) {
  using Async = FloorService::StubInterface::async_interface;
  using Method =
      void (Async::*)(grpc::ClientContext*, const FloorRequest*, FloorResponse*, std::function<void(grpc::Status)>);
  Method function = nullptr;
  if (method == "echo") function = &Async::Echo;
  if (method == "raw") function = &Async::Raw;
  if (method == "equipped") function = &Async::Equipped;
  if (function == nullptr) return absl::InvalidArgumentError(absl::StrCat("The floor has no method ", method, "."));
  return StartRequest([stubs = Stubs<FloorService>(channels), function](int64_t n, auto done) {
    auto call = std::make_shared<Call<FloorRequest, FloorResponse>>();
    call->request.set_text(Question(n));
    Async* async = stubs[static_cast<size_t>(n) % stubs.size()]->async();
    (async->*function)(&call->context, &call->request, &call->response,
                       [call, done = std::move(done)](const grpc::Status& status) { done(status); });
  });
}

StartRequest ForwardRequests(const Channels& channels, const std::string& program) {
  return [stubs = Stubs<v1::PredictionService>(channels), name = absl::StrCat("programs/", program)](int64_t n,
                                                                                                     auto done) {
    auto call = std::make_shared<Call<v1::ForwardRequest, v1::ForwardResponse>>();
    call->request.set_program(name);
    (*call->request.mutable_inputs()->mutable_fields())["question"].set_string_value(Question(n));
    stubs[static_cast<size_t>(n) % stubs.size()]->async()->Forward(
        &call->context, &call->request, &call->response, [call, done = std::move(done)](const grpc::Status& status) {
          const bool answered = call->response.prediction().outputs().fields().count("answer") == 1;
          done(status.ok() && !answered ? grpc::Status(grpc::StatusCode::INTERNAL, "no answer") : status);
        });
  };
}

absl::StatusOr<size_t> PrepareProgram(const Channels& dspex, const Channels& floor, const std::string& id, int demos) {
  if (absl::Status status = CreateProgram(dspex, id, demos); !status.ok()) return status;
  const std::string question = Question(0);
  v1::RenderRequest request;
  request.set_program(absl::StrCat("programs/", id));
  (*request.mutable_inputs()->mutable_fields())["question"].set_string_value(question);
  v1::RenderResponse response;
  grpc::ClientContext context;
  const grpc::Status status = v1::PredictionService::NewStub(dspex[0])->Render(&context, request, &response);
  if (!status.ok()) return ToStatus(status);
  if (response.requests_size() != 1) return absl::InternalError("A Predict renders one request.");
  const std::string& body = response.requests(0).body();
  const size_t at = body.find(question);
  if (at == std::string::npos || body.find(question, at + 1) != std::string::npos) {
    return absl::InternalError("The rendered body does not hold the input once.");
  }
  absl::Status configured = Configure(floor, body.substr(0, at), body.substr(at + question.size()));
  if (!configured.ok()) return configured;
  return body.size();
}

absl::StatusOr<size_t> PrepareFloor(const Channels& floor, int bytes) {
  const std::string head = R"({"model":"gpt-4o-mini","messages":[{"role":"user","content":")";
  const std::string tail = R"("}]})";
  const size_t fixed = head.size() + Question(0).size() + tail.size();
  const size_t padding = static_cast<size_t>(bytes) > fixed ? static_cast<size_t>(bytes) - fixed : 0;
  absl::Status configured = Configure(floor, head, std::string(padding, 'x') + tail);
  if (!configured.ok()) return configured;
  return fixed + padding;
}

}  // namespace dspex::bench
