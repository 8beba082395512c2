#include "server/cli/candidates.h"

#include <absl/strings/str_cat.h>
#include <absl/strings/str_format.h>

#include <iostream>
#include <utility>

#include "server/cli/pages.h"
#include "server/cli/table.h"

namespace dspex::cli {

grpc::Status ReadCandidates(const Session& session, v1::OptimizerService::Stub& stub, const std::string& job,
                            std::vector<v1::Candidate>& candidates) {
  v1::ListCandidatesRequest request;
  request.set_name(job);
  return ReadPages<v1::ListCandidatesResponse>(
      session, request, [&stub](auto&&... call) { return stub.ListCandidates(call...); },
      [&candidates](v1::ListCandidatesResponse& page) {
        for (v1::Candidate& candidate : *page.mutable_candidates()) candidates.push_back(std::move(candidate));
      });
}

grpc::Status ReadResults(const Session& session, v1::OptimizerService::Stub& stub, const std::string& job,
                         int candidate, std::vector<v1::ExampleResult>& results, v1::ReportedRun reported) {
  v1::ListExampleResultsRequest request;
  request.set_name(job);
  request.set_candidate(candidate);
  request.set_reported(reported);
  return ReadPages<v1::ListExampleResultsResponse>(
      session, request, [&stub](auto&&... call) { return stub.ListExampleResults(call...); },
      [&results](v1::ListExampleResultsResponse& page) {
        for (v1::ExampleResult& result : *page.mutable_results()) results.push_back(std::move(result));
      });
}

int PrintCandidates(const Session& session, v1::OptimizerService::Stub& stub, const std::string& job) {
  std::vector<v1::Candidate> candidates;
  const grpc::Status status = ReadCandidates(session, stub, job, candidates);
  if (!status.ok()) return session.Failed(status);
  if (session.json) {
    for (const v1::Candidate& candidate : candidates) session.PrintJsonLine(candidate);
    return kSuccess;
  }
  Table table({"CANDIDATE", "ORIGIN", "SCORE", "SCORED", "DEMOS", ""});
  for (const v1::Candidate& candidate : candidates) {
    int demos = 0;
    for (const v1::ModuleParameters& module : candidate.parameters()) demos += module.demos_size();
    table.Add({absl::StrCat(candidate.number()), candidate.origin(),
               candidate.has_score() ? absl::StrFormat("%.2f", candidate.score()) : "",
               absl::StrCat(candidate.scored()), absl::StrCat(demos), candidate.chosen() ? "chosen" : ""});
  }
  std::cout << table.ToString();
  return kSuccess;
}

}  // namespace dspex::cli
