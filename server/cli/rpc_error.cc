#include "server/cli/rpc_error.h"

#include <absl/status/status.h>
#include <absl/strings/str_cat.h>
#include <google/protobuf/util/time_util.h>
#include <grpcpp/support/status.h>

#include <limits>

#include "google/rpc/error_details.pb.h"
#include "google/rpc/status.pb.h"
#include "server/cli/table.h"

namespace dspex::cli {

namespace {

std::string OneLine(absl::string_view text) { return Cut(text, std::numeric_limits<int>::max()); }

/// The first detail of this type; an empty message if there is none.
template <typename Detail>
Detail FindDetail(const google::rpc::Status& status) {
  Detail detail;
  for (const auto& any : status.details()) {
    if (any.Is<Detail>() && any.UnpackTo(&detail)) return detail;
  }
  return Detail();
}

/// What gRPC itself reports about the way to the server is not what a user can act on.
std::string Sentence(const grpc::Status& status, bool from_dspex, absl::string_view server) {
  if (!from_dspex && status.error_code() == grpc::StatusCode::UNAVAILABLE) {
    return absl::StrCat("no dspex server answers at ", server,
                        ". Start one with 'dspex serve', or name another with --server (",
                        OneLine(status.error_message()), ").");
  }
  if (!from_dspex && status.error_code() == grpc::StatusCode::DEADLINE_EXCEEDED) {
    return "no answer came in time. Give more time with --timeout.";
  }
  return OneLine(status.error_message());
}

}  // namespace

std::string RpcErrorText(const grpc::Status& status, absl::string_view server) {
  google::rpc::Status details;
  details.ParseFromString(status.error_details());
  const auto info = FindDetail<google::rpc::ErrorInfo>(details);
  const bool from_dspex = !info.reason().empty();
  std::string text =
      absl::StrCat("error: ", absl::StatusCodeToString(static_cast<absl::StatusCode>(status.error_code())),
                   from_dspex ? " " : "", OneLine(info.reason()), ": ", Sentence(status, from_dspex, server), "\n");
  const auto bad_request = FindDetail<google::rpc::BadRequest>(details);
  for (const auto& violation : bad_request.field_violations()) {
    const bool says_more = violation.description() != status.error_message();
    absl::StrAppend(&text, "  ", OneLine(violation.field()), says_more ? ": " : "",
                    says_more ? OneLine(violation.description()) : "", "\n");
  }
  if (const auto retry = FindDetail<google::rpc::RetryInfo>(details); retry.has_retry_delay()) {
    absl::StrAppend(&text, "  try again in ", google::protobuf::util::TimeUtil::ToString(retry.retry_delay()), "\n");
  }
  // What an operator looks for in the server's log.
  if (const auto served = FindDetail<google::rpc::RequestInfo>(details);
      status.error_code() == grpc::StatusCode::INTERNAL && !served.request_id().empty()) {
    absl::StrAppend(&text, "  request id ", OneLine(served.request_id()), "\n");
  }
  return text;
}

}  // namespace dspex::cli
