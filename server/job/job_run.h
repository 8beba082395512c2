#pragma once

#include <boost/asio/any_io_executor.hpp>
#include <chrono>
#include <memory>
#include <optional>
#include <string>

#include "engine/base/context.h"
#include "engine/base/waiter.h"
#include "server/job/job_budgets.h"
#include "server/job/job_environment.h"
#include "server/job/job_gate.h"
#include "server/job/job_models.h"
#include "server/job/job_report.h"
#include "server/job/job_store.h"

namespace dspex {

/// One run of a claimed job: its work, beside the renewal of the claim and the report. Lives on one executor.
class JobRun {
 public:
  /// `environment` outlives this.
  JobRun(const JobEnvironment& environment, ClaimedJob claimed, std::chrono::milliseconds lease,
         asio::any_io_executor executor);

  /// Runs the job to its end, or until its claim is lost (which is noted by nobody here), or until the coroutine is
  /// cancelled: then the job is given back.
  StatusTask Run();

 private:
  /// Why the work ended.
  enum class Ended { kByItself, kCancelled, kLost, kServerStops };

  StatusTask Prepare();
  StatusTask Work();
  StatusTask Watch();
  StatusTask EndJob();
  StatusTask WriteEnd(JobEnd end);
  StatusTask WriteEndOnce(const JobEnd& end);
  StatusTask GiveBack();
  JobEnd Failed(const absl::Status& error) const;

  const JobEnvironment& environment_;
  const JobClaim claim_;
  const v1::Job job_;
  const std::chrono::milliseconds lease_;
  const asio::any_io_executor executor_;

  RequestRecord record_;
  std::optional<JobBudgets> budgets_;
  std::optional<JobGate> gate_;
  std::optional<JobReport> report_;
  JobCalls calls_;
  absl::StatusOr<JobEnd> outcome_ = absl::UnknownError("");
  Ended ended_ = Ended::kServerStops;
  bool done_ = false;
  bool succeeded_ = false;
  std::shared_ptr<Waiter> changed_;
};

}  // namespace dspex
