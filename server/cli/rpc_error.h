#pragma once

#include <absl/strings/string_view.h>

#include <string>

namespace grpc {
class Status;
}

namespace dspex::cli {

/// A failed call for people: "error: NOT_FOUND PROGRAM_NOT_FOUND: what happened and what to do", then a line for each
/// field of the request that is wrong and one for when to try again. `server` is named where none answered.
std::string RpcErrorText(const grpc::Status& status, absl::string_view server);

}  // namespace dspex::cli
