#include "server/cli/session.h"

#include <google/protobuf/util/json_util.h>
#include <google/protobuf/util/time_util.h>
#include <grpcpp/channel.h>
#include <grpcpp/client_context.h>
#include <grpcpp/create_channel.h>
#include <grpcpp/security/credentials.h>

#include <chrono>
#include <iostream>

#include "engine/base/proto_duration.h"
#include "server/cli/rpc_error.h"

namespace dspex::cli {

std::shared_ptr<grpc::Channel> Session::Connect() const {
  grpc::ChannelArguments arguments;
  arguments.SetMaxReceiveMessageSize(-1);
  // A server named by its address is not behind the proxy of the environment.
  arguments.SetInt(GRPC_ARG_ENABLE_HTTP_PROXY, 0);
  return grpc::CreateCustomChannel(server, grpc::InsecureChannelCredentials(), arguments);
}

std::unique_ptr<grpc::ClientContext> Session::NewContext() const {
  auto context = std::make_unique<grpc::ClientContext>();
  if (timeout.has_value()) {
    context->set_deadline(std::chrono::system_clock::now() + ReadDuration(*timeout));
  }
  return context;
}

int Session::Failed(const grpc::Status& status) const {
  std::cerr << RpcErrorText(status, server);
  return kFailure;
}

namespace {

int Print(const google::protobuf::Message& message, bool add_whitespace) {
  google::protobuf::util::JsonPrintOptions options;
  options.add_whitespace = add_whitespace;
  options.preserve_proto_field_names = true;
  std::string text;
  if (const auto status = google::protobuf::util::MessageToJsonString(message, &text, options); !status.ok()) {
    std::cerr << "error: the response has no JSON form: " << status.ToString() << "\n";
    return kFailure;
  }
  std::cout << text;
  return kSuccess;
}

}  // namespace

int Session::PrintJson(const google::protobuf::Message& message) const { return Print(message, true); }

int Session::PrintJsonLine(const google::protobuf::Message& message) const {
  const int printed = Print(message, false);
  std::cout << std::endl;
  return printed;
}

int UsageError(absl::string_view message) {
  std::cerr << "error: " << message << "\n";
  return kUsage;
}

int Failure(absl::string_view message) {
  std::cerr << "error: " << message << "\n";
  return kFailure;
}

}  // namespace dspex::cli
