#pragma once

#include <grpcpp/server_context.h>
#include <grpcpp/support/server_callback.h>

#include <cstdint>
#include <utility>

#include "server/rpc/call.h"

namespace dspex {

/// The one way from gRPC's callback API to coroutines: a generated method calls Unary, ServerStream or ClientStream
/// and returns the reactor. Admission is asked first; the handler then runs on an I/O thread.
class Bridge {
 public:
  explicit Bridge(CallEnvironment environment) : environment_(environment) {}

  template <typename Handler, typename Request, typename Response>
  grpc::ServerUnaryReactor* Unary(grpc::CallbackServerContext* context, const Method& method, const Request* request,
                                  Response* response, Handler handler) {
    CallStart start = StartOf(*context, static_cast<std::int64_t>(request->ByteSizeLong()));
    if (const absl::Status status = environment_.admission->Enter(start.request_bytes); !status.ok()) {
      grpc::ServerUnaryReactor* refusal = context->DefaultReactor();
      refusal->Finish(Refuse(method, start, status));
      return refusal;
    }
    return new UnaryCall<grpc::ServerUnaryReactor, Handler, Request, Response>(environment_, method, std::move(start),
                                                                               std::move(handler), request, response);
  }

  template <typename Response, typename Handler, typename Request>
  grpc::ServerWriteReactor<Response>* ServerStream(grpc::CallbackServerContext* context, const Method& method,
                                                   const Request* request, Handler handler) {
    CallStart start = StartOf(*context, static_cast<std::int64_t>(request->ByteSizeLong()));
    if (const absl::Status status = environment_.admission->Enter(start.request_bytes); !status.ok()) {
      return new Refused<grpc::ServerWriteReactor<Response>>(Refuse(method, start, status));
    }
    return new ServerStreamCall<grpc::ServerWriteReactor<Response>, Handler, Request, Response>(
        environment_, method, std::move(start), std::move(handler), request, [context] { context->TryCancel(); });
  }

  template <typename Request, typename Handler, typename Response>
  grpc::ServerReadReactor<Request>* ClientStream(grpc::CallbackServerContext* context, const Method& method,
                                                 Response* response, Handler handler) {
    CallStart start = StartOf(*context, 0);
    if (const absl::Status status = environment_.admission->Enter(0); !status.ok()) {
      return new Refused<grpc::ServerReadReactor<Request>>(Refuse(method, start, status));
    }
    return new ClientStreamCall<grpc::ServerReadReactor<Request>, Handler, Request, Response>(
        environment_, method, std::move(start), std::move(handler), response, [context] { context->TryCancel(); });
  }

 private:
  template <typename Reactor>
  class Refused final : public Reactor {
   public:
    explicit Refused(const grpc::Status& status) { this->Finish(status); }
    void OnDone() override { delete this; }
  };

  /// The caller's deadline and request id (metadata x-request-id, if well formed; otherwise a new one).
  static CallStart StartOf(const grpc::CallbackServerContext& context, std::int64_t request_bytes);
  /// Notes a refused call in metrics and log; the status to finish it with.
  grpc::Status Refuse(const Method& method, const CallStart& start, const absl::Status& status);

  const CallEnvironment environment_;
};

}  // namespace dspex
