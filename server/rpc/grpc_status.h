#pragma once

#include <absl/status/status.h>
#include <absl/strings/string_view.h>
#include <grpcpp/support/status.h>

namespace dspex {

/// The one conversion to gRPC: code, message, and the payloads as google.rpc.Status details (grpc-status-details-bin),
/// to which a RequestInfo with the request's id is added. An error without an ErrorInfo gets one by its code, so every
/// error a client sees has a reason.
grpc::Status ToGrpcStatus(const absl::Status& status, absl::string_view request_id);

/// The typed form of an error that has no ErrorInfo: CANCELLED, DEADLINE_EXCEEDED or INTERNAL.
absl::Status WithReason(absl::Status status);

}  // namespace dspex
