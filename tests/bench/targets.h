#pragma once

#include <absl/status/statusor.h>
#include <absl/strings/string_view.h>

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "tests/bench/closed_loop.h"

namespace grpc {
class Channel;
}

namespace dspex::bench {

using Channels = std::vector<std::shared_ptr<grpc::Channel>>;

/// `count` connections to a server.
Channels Connect(const std::string& target, int count);

/// The input of request `n`: of one length, never the same twice, not between processes either.
std::string Question(int64_t n);

/// Requests to the floor's method "echo", "raw" or "equipped".
absl::StatusOr<StartRequest> FloorRequests(const Channels& channels, absl::string_view method);

/// Forwards of a stored program.
StartRequest ForwardRequests(const Channels& channels, const std::string& program);

/// Creates the program `programs/{id}` with that many demonstrations if it is not there; makes the floor send the same
/// body as a Forward of it. Returns the body's size.
absl::StatusOr<size_t> PrepareProgram(const Channels& dspex, const Channels& floor, const std::string& id, int demos);

/// Makes the floor send a body of about that many bytes.
absl::StatusOr<size_t> PrepareFloor(const Channels& floor, int bytes);

/// Waits until the server at "127.0.0.1:PORT" takes connections and reports itself healthy; returns when that was, in
/// nanoseconds of CLOCK_MONOTONIC.
absl::StatusOr<int64_t> WaitUntilReady(const std::string& target);

}  // namespace dspex::bench
