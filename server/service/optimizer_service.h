#pragma once

#include <atomic>
#include <string>

#include "dspex/v1/optimizer_service.pb.h"
#include "engine/base/context.h"
#include "engine/base/task.h"
#include "server/job/job_environment.h"
#include "server/rpc/call.h"

namespace dspex {

/// The RPCs of dspex.v1.OptimizerService: checks what is asked for and queues it; a JobRunner does it. Thread-safe.
///
/// The errors are those of JobStore, of what specs name, and INVALID_ARGUMENT / INVALID_REQUEST with the violation of a
/// field of the request.
class OptimizerService {
 public:
  explicit OptimizerService(JobEnvironment environment) : environment_(std::move(environment)) {}

  StatusTask Compile(RequestContext context, const v1::CompileRequest& request, v1::CompileResponse& response);
  StatusTask Evaluate(RequestContext context, const v1::EvaluateRequest& request, v1::EvaluateResponse& response);
  StatusTask GetJob(RequestContext context, const v1::GetJobRequest& request, v1::GetJobResponse& response);
  StatusTask ListJobs(RequestContext context, const v1::ListJobsRequest& request, v1::ListJobsResponse& response);
  StatusTask WatchJob(RequestContext context, const v1::WatchJobRequest& request,
                      ResponseWriter<v1::WatchJobResponse>& writer);
  StatusTask CancelJob(RequestContext context, const v1::CancelJobRequest& request, v1::CancelJobResponse& response);
  StatusTask ResumeJob(RequestContext context, const v1::ResumeJobRequest& request, v1::ResumeJobResponse& response);
  StatusTask ListCandidates(RequestContext context, const v1::ListCandidatesRequest& request,
                            v1::ListCandidatesResponse& response);
  StatusTask ListExampleResults(RequestContext context, const v1::ListExampleResultsRequest& request,
                                v1::ListExampleResultsResponse& response);
  StatusTask PromoteCandidate(RequestContext context, const v1::PromoteCandidateRequest& request,
                              v1::PromoteCandidateResponse& response);
  StatusTask CompareEvaluations(RequestContext context, const v1::CompareEvaluationsRequest& request,
                                v1::CompareEvaluationsResponse& response);

  /// Ends every WatchJob with UNAVAILABLE / SERVER_DRAINING within a second.
  void StopWatching() { stops_.store(true); }

 private:
  /// Checks and pins a spec, and queues it as a job. `pin` is PinCompile or PinEvaluate, `spec` the field of a job.
  template <typename Request, typename Response, typename Pin, typename Spec>
  StatusTask Begin(RequestContext context, const Request& request, Response& response, Pin pin, Spec spec);
  Task<v1::Job> Find(const RequestContext& context, const std::string& name, absl::string_view field);
  Task<v1::Candidate> FindCandidate(const RequestContext& context, const v1::Job& job, int number);

  const JobEnvironment environment_;
  std::atomic<bool> stops_{false};
};

}  // namespace dspex
