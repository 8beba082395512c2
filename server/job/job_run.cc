#include "server/job/job_run.h"

#include <absl/strings/str_cat.h>
#include <google/protobuf/util/time_util.h>

#include <boost/asio/this_coro.hpp>
#include <utility>

#include "engine/base/error.h"
#include "engine/base/reasons.h"
#include "engine/base/run_all.h"
#include "server/job/job_pins.h"
#include "server/job/job_state.h"
#include "server/job/job_work.h"

namespace dspex {

namespace {

/// When the job first ran, on the steady clock.
TimePoint Started(const v1::Job& job) {
  const absl::Time started =
      absl::FromUnixNanos(google::protobuf::util::TimeUtil::TimestampToNanoseconds(job.start_time()));
  return Clock::now() - absl::ToChronoNanoseconds(absl::Now() - started);
}

const google::protobuf::RepeatedPtrField<v1::Budget>& BudgetsOf(const v1::Job& job) {
  return job.has_compile() ? job.compile().budgets() : job.evaluate().budgets();
}

}  // namespace

JobRun::JobRun(const JobEnvironment& environment, ClaimedJob claimed, std::chrono::milliseconds lease,
               asio::any_io_executor executor)
    : environment_(environment),
      claim_(std::move(claimed.claim)),
      job_(std::move(claimed.job)),
      lease_(lease),
      executor_(std::move(executor)) {
  record_.request_id = job_.name();
  record_.tenant = claim_.tenant;
  calls_.job = JournalName(claim_.tenant, claim_.id);
  calls_.journal = environment_.journal;
  calls_.pricing = std::make_shared<const PriceTable>(ReadPrices(job_.pins()));
}

StatusTask JobRun::Run() {
  environment_.logger->Log(LogLevel::kInfo, "job runs",
                           {{"job", job_.name()}, {"epoch", static_cast<long long>(claim_.epoch)}});
  const absl::Status prepared = co_await Prepare();
  if (!prepared.ok()) {
    environment_.logger->Log(LogLevel::kWarn, "job cannot run", {{"job", job_.name()}, {"error", prepared.message()}});
    co_return prepared;
  }
  std::vector<StatusTask> parts;
  parts.push_back(Work());
  parts.push_back(Watch());
  parts.push_back(report_->Run());
  const absl::Status ran = co_await RunAll(std::move(parts));
  if (ErrorReason(ran) == reason::kJobLost) ended_ = Ended::kLost;
  // The last writes are made also where the server stops.
  co_await asio::this_coro::reset_cancellation_state();
  const absl::Status written = ended_ == Ended::kServerStops ? co_await GiveBack() : co_await EndJob();
  environment_.logger->Log(LogLevel::kInfo, "job ran",
                           {{"job", job_.name()},
                            {"calls", static_cast<long long>(calls_.sent)},
                            {"end", written.ok() ? absl::string_view("written") : written.message()}});
  // It is not run again, so what its calls were answered is not needed any more.
  if (written.ok() && succeeded_) co_return co_await environment_.journal->DeleteAnswers(calls_.job);
  co_return written;
}

StatusTask JobRun::Prepare() {
  const absl::StatusOr<std::int64_t> entries = co_await environment_.journal->Count(calls_.job);
  if (!entries.ok()) co_return entries.status();
  calls_.resumed = *entries > 0;
  const absl::Status getting_on = co_await environment_.jobs->CheckProgress(claim_, *entries);
  if (!getting_on.ok()) co_return getting_on;
  const absl::StatusOr<std::vector<BudgetAccount>> accounts =
      co_await environment_.jobs->ReadBudgets(claim_.tenant, claim_.id);
  if (!accounts.ok()) co_return accounts.status();
  budgets_.emplace(*environment_.jobs, claim_, BudgetsOf(job_), *accounts, job_.spending(), Started(job_));
  report_.emplace(*environment_.jobs, claim_, *budgets_, executor_);
  gate_.emplace(*environment_.time, [this](const absl::Status& obstacle) { report_->OnGate(obstacle); });
  calls_.budgets = &*budgets_;
  calls_.gate = &*gate_;
  co_return absl::OkStatus();
}

StatusTask JobRun::Work() {
  JobWork work{.environment = environment_,
               .claim = claim_,
               .job = job_,
               .calls = calls_,
               .report = *report_,
               .context = RequestContext(record_, kNoDeadline)};
  outcome_ = job_.has_compile() ? co_await RunCompile(work) : co_await RunEvaluate(work);
  // Nobody but Watch and the runner cancels what a job does.
  if (absl::IsCancelled(outcome_.status()) || ErrorReason(outcome_.status()) == reason::kJobLost) {
    co_return outcome_.status();
  }
  ended_ = Ended::kByItself;
  done_ = true;
  report_->Stop();
  if (changed_ != nullptr) changed_->Wake();
  co_return absl::OkStatus();
}

// Keeps the claim, and hears of a wish to cancel the job.
StatusTask JobRun::Watch() {
  while (!done_) {
    changed_ = environment_.jobs->Changed(claim_.tenant, claim_.id, executor_);
    const absl::StatusOr<bool> cancel = co_await environment_.jobs->Renew(claim_, absl::FromChrono(lease_));
    if (done_) break;
    if (cancel.ok() && *cancel) {
      ended_ = Ended::kCancelled;
      co_return absl::CancelledError("The job was cancelled.");
    }
    if (ErrorReason(cancel.status()) == reason::kJobLost || absl::IsCancelled(cancel.status())) {
      co_return cancel.status();
    }
    // A full disk or a full queue: the claim holds for a while yet.
    const TimePoint next = Clock::now() + lease_ / 3;
    while (!done_ && Clock::now() < next) {
      const absl::Status waited = co_await changed_->Wait(next);
      if (absl::IsCancelled(waited)) co_return waited;
      if (done_ || !waited.ok()) break;
      changed_ = environment_.jobs->Changed(claim_.tenant, claim_.id, executor_);
      const absl::StatusOr<v1::Job> job = co_await environment_.jobs->Get(claim_.tenant, claim_.id);
      if (job.ok() && job->cancel_requested()) break;
    }
  }
  co_return absl::OkStatus();
}

JobEnd JobRun::Failed(const absl::Status& error) const {
  JobEnd end;
  end.state = v1::JOB_STATE_FAILED;
  end.error = ToRpcStatus(error);
  return end;
}

StatusTask JobRun::EndJob() {
  if (ended_ == Ended::kLost) co_return JobLost(claim_.id);
  // What is drawn beyond what was spent is there again when the job is resumed.
  const absl::Status given_back = co_await budgets_->GiveBack();
  if (ErrorReason(given_back) == reason::kJobLost) co_return given_back;
  JobEnd end;
  if (ended_ == Ended::kCancelled) {
    end.state = v1::JOB_STATE_CANCELLED;
  } else {
    end = outcome_.ok() ? *std::move(outcome_) : Failed(outcome_.status());
  }
  JobUpdate last = report_->TakeRest();
  last.state.reset();
  last.result = std::move(end.last.result);
  end.last = std::move(last);
  const absl::Status written = co_await WriteEnd(end);
  succeeded_ = written.ok() && end.state == v1::JOB_STATE_SUCCEEDED;
  // What cannot be written as it is, because its program is gone perhaps, is a failure of the job.
  const std::string why = ErrorReason(written);
  if (written.ok() || why == reason::kJobLost || end.state != v1::JOB_STATE_SUCCEEDED) co_return written;
  co_return co_await WriteEnd(Failed(written));
}

StatusTask JobRun::WriteEnd(JobEnd end) {
  co_return co_await KeepWhenThereIsRoom(*gate_, [&] { return WriteEndOnce(end); });
}

StatusTask JobRun::WriteEndOnce(const JobEnd& end) {
  const absl::Status synced = co_await environment_.journal->Sync();
  if (!synced.ok()) co_return synced;
  const absl::StatusOr<v1::Job> job = co_await environment_.jobs->Finish(claim_, end);
  co_return job.status();
}

StatusTask JobRun::GiveBack() {
  const absl::Status settled = co_await budgets_->GiveBack();
  if (!settled.ok()) co_return settled;
  JobUpdate rest = report_->TakeRest();
  rest.state.reset();
  const absl::Status written = co_await environment_.jobs->Update(claim_, std::move(rest));
  if (!written.ok()) co_return written;
  co_return co_await environment_.jobs->Release(claim_);
}

}  // namespace dspex
