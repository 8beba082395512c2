#include "server/cli/rpc_error.h"

#include <grpcpp/support/status.h>
#include <gtest/gtest.h>

#include <chrono>
#include <string>

#include "engine/base/error.h"
#include "google/rpc/status.pb.h"

namespace dspex::cli {
namespace {

std::string TextOf(const absl::Status& status) {
  return RpcErrorText(grpc::Status(static_cast<grpc::StatusCode>(status.code()), std::string(status.message()),
                                   ToRpcStatus(status).SerializeAsString()),
                      "h:1");
}

TEST(RpcErrorText, NamesCodeReasonAndSentence) {
  EXPECT_EQ(TextOf(Error(absl::StatusCode::kNotFound, "PROGRAM_NOT_FOUND", "No program x. Create it.")),
            "error: NOT_FOUND PROGRAM_NOT_FOUND: No program x. Create it.\n");
}

TEST(RpcErrorText, ListsViolationsAndTheDelay) {
  EXPECT_EQ(TextOf(Error(absl::StatusCode::kInvalidArgument, "INVALID_PROGRAM", "Two are wrong.")
                       .Violation("program.modules[0].id", "empty")
                       .Violation("program.lm", "Two are wrong.")),
            "error: INVALID_ARGUMENT INVALID_PROGRAM: Two are wrong.\n"
            "  program.modules[0].id: empty\n"
            "  program.lm\n");
  EXPECT_EQ(TextOf(Error(absl::StatusCode::kResourceExhausted, "SERVER_OVERLOADED", "Full. Wait.")
                       .RetryAfter(std::chrono::milliseconds(1500))),
            "error: RESOURCE_EXHAUSTED SERVER_OVERLOADED: Full. Wait.\n  try again in 1.500s\n");
}

TEST(RpcErrorText, StaysOnItsLine) {
  EXPECT_EQ(TextOf(Error(absl::StatusCode::kInternal, "INTERNAL", "a\nb\x1b[0m")),
            "error: INTERNAL INTERNAL: a b [0m\n");
}

TEST(RpcErrorText, ExplainsWhatGrpcItselfReports) {
  EXPECT_EQ(RpcErrorText(grpc::Status(grpc::StatusCode::UNAVAILABLE, "connection refused"), "h:1"),
            "error: UNAVAILABLE: no dspex server answers at h:1. Start one with 'dspex serve', or name another with "
            "--server (connection refused).\n");
  EXPECT_EQ(RpcErrorText(grpc::Status(grpc::StatusCode::DEADLINE_EXCEEDED, "Deadline Exceeded"), "h:1"),
            "error: DEADLINE_EXCEEDED: no answer came in time. Give more time with --timeout.\n");
}

TEST(RpcErrorText, SurvivesDetailsThatAreNone) {
  EXPECT_EQ(RpcErrorText(grpc::Status(grpc::StatusCode::UNKNOWN, "x", "\xFF\xFF not a message"), "h:1"),
            "error: UNKNOWN: x\n");
}

}  // namespace
}  // namespace dspex::cli
