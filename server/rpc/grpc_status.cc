#include "server/rpc/grpc_status.h"

#include <string>

#include "engine/base/error.h"
#include "engine/base/reasons.h"
#include "google/rpc/error_details.pb.h"
#include "google/rpc/status.pb.h"

namespace dspex {

absl::Status WithReason(absl::Status status) {
  if (status.ok() || !ErrorReason(status).empty()) return status;
  switch (status.code()) {
    case absl::StatusCode::kCancelled:
      return Error(status.code(), reason::kCancelled, "The caller cancelled the call.");
    case absl::StatusCode::kDeadlineExceeded:
      return Error(status.code(), reason::kDeadlineExceeded,
                   "The call did not end by its deadline. Allow more time, or look for what was slow in the metrics.");
    default:
      return Error(absl::StatusCode::kInternal, reason::kInternal,
                   "The server failed in a way it should not. Report it with the request's id; the log has the cause.");
  }
}

grpc::Status ToGrpcStatus(const absl::Status& status, absl::string_view request_id) {
  if (status.ok()) return grpc::Status::OK;
  const absl::Status typed = WithReason(status);
  google::rpc::Status rpc_status = ToRpcStatus(typed);
  google::rpc::RequestInfo request_info;
  request_info.set_request_id(std::string(request_id));
  rpc_status.add_details()->PackFrom(request_info);
  return {static_cast<grpc::StatusCode>(typed.code()), std::string(typed.message()), rpc_status.SerializeAsString()};
}

}  // namespace dspex
