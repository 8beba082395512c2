#pragma once

#include <string>
#include <vector>

#include "dspex/v1/optimizer_service.grpc.pb.h"
#include "server/cli/session.h"

namespace dspex::cli {

/// All candidates of a job, in their order.
grpc::Status ReadCandidates(const Session& session, v1::OptimizerService::Stub& stub, const std::string& job,
                            std::vector<v1::Candidate>& candidates);

/// Results of the examples: of an Evaluate all, of a Compile those of the candidate.
grpc::Status ReadResults(const Session& session, v1::OptimizerService::Stub& stub, const std::string& job,
                         int candidate, std::vector<v1::ExampleResult>& results,
                         v1::ReportedRun reported = v1::REPORTED_RUN_UNSPECIFIED);

/// A table of a job's candidates; the exit code.
int PrintCandidates(const Session& session, v1::OptimizerService::Stub& stub, const std::string& job);

}  // namespace dspex::cli
