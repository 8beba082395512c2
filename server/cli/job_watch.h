#pragma once

#include <optional>
#include <string>

#include "dspex/v1/job.pb.h"
#include "dspex/v1/optimizer_service.grpc.pb.h"
#include "server/cli/job_options.h"
#include "server/cli/session.h"

namespace dspex::cli {

/// Watches a job to its end: a bar with progress, score and money on standard error where that is a terminal, lines
/// otherwise; with `--json` the events on standard output. A connection that breaks is made again from the last event.
/// Ctrl-C lets go of the job, which goes on, or with `cancel` cancels it. Returns the job as it ended, or nothing when
/// it was let go of; `exit_code` is what the command ends with then.
std::optional<v1::Job> WatchToEnd(const Session& session, v1::OptimizerService::Stub& stub, const std::string& name,
                                  bool cancel, int& exit_code);

/// The name of a job that is let go of, or with --json the job.
int PrintName(const Session& session, const v1::Job& job);

/// What a job would take; `response` is what --json prints.
int PrintEstimate(const Session& session, const google::protobuf::Message& response, const v1::Estimate& estimate);

/// What follows on the response of Compile or Evaluate: the estimate alone, or the job's name, or, as WatchToEnd, the
/// job as it ended; nothing where `exit_code` is what the command ends with.
template <typename Response>
std::optional<v1::Job> Follow(const Session& session, v1::OptimizerService::Stub& stub, const JobOptions& options,
                              const Response& response, bool cancel, int& exit_code) {
  if (options.estimate) {
    exit_code = PrintEstimate(session, response, response.estimate());
    return std::nullopt;
  }
  if (options.detach) {
    exit_code = PrintName(session, response.job());
    return std::nullopt;
  }
  return WatchToEnd(session, stub, response.job().name(), cancel, exit_code);
}

/// What came of a job, for people; the exit code: 0 if it succeeded.
int PrintJob(const Session& session, const v1::Job& job);

/// "RUNNING".
std::string StateText(const v1::Job& job);

/// "2.50 dollars, 1,234 tokens, 12 calls" of all lines.
std::string SpendingText(const v1::Job& job);

/// "66.67 (55.10 to 78.23)".
std::string ScoreText(const v1::EvaluateResult& result);

}  // namespace dspex::cli
