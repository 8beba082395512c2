#include "server/job/job_runner.h"

#include <absl/strings/str_cat.h>
#include <google/protobuf/util/time_util.h>

#include <boost/asio/this_coro.hpp>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "engine/base/error.h"
#include "engine/base/reasons.h"
#include "server/job/job_run.h"

namespace dspex {

namespace {

// How long the runner waits when it was not woken: a lease may have run out.
constexpr Clock::duration kLookAgain = std::chrono::seconds(10);

}  // namespace

JobRunner::JobRunner(JobEnvironment environment, IoPool& io, Options options)
    : environment_(std::move(environment)), io_(io), options_(std::move(options)), places_(options_.max_running) {}

JobRunner::~JobRunner() = default;

void JobRunner::Start() {
  tasks_.Spawn(io_.Next(), ClaimJobs());
  tasks_.Spawn(io_.Next(), ForgetAnswers());
}

bool JobRunner::Stop(TimePoint deadline) {
  tasks_.CancelAll();
  return tasks_.Join(deadline);
}

StatusTask JobRunner::ClaimJobs() {
  const asio::any_io_executor executor = co_await asio::this_coro::executor;
  const absl::Status expired = co_await environment_.jobs->ExpireLeases();
  if (!expired.ok()) co_return expired;
  while (true) {
    absl::StatusOr<Semaphore::Permit> place = co_await places_.Acquire(kNoDeadline);
    if (!place.ok()) co_return place.status();
    const std::shared_ptr<Waiter> queued = environment_.jobs->Queued(executor);
    absl::StatusOr<std::optional<ClaimedJob>> claimed =
        co_await environment_.jobs->Claim(options_.owner, absl::FromChrono(options_.lease));
    if (absl::IsCancelled(claimed.status())) co_return claimed.status();
    if (claimed.ok() && claimed->has_value()) {
      tasks_.Spawn(io_.Next(), RunOne(**std::move(claimed), *std::move(place)));
      continue;
    }
    if (!claimed.ok()) {
      environment_.logger->Log(LogLevel::kWarn, "cannot claim jobs", {{"error", claimed.status().message()}});
    }
    const absl::Status waited = co_await queued->Wait(Clock::now() + kLookAgain);
    if (absl::IsCancelled(waited)) co_return waited;
  }
}

// Those of jobs that succeeded just before a server went away.
StatusTask JobRunner::ForgetAnswers() {
  const absl::StatusOr<std::vector<std::string>> names = co_await environment_.journal->JobsWithAnswers();
  if (!names.ok()) co_return names.status();
  for (const std::string& name : *names) {
    const std::size_t slash = name.rfind('/');
    const absl::StatusOr<v1::Job> job = co_await environment_.jobs->Get(name.substr(0, slash), name.substr(slash + 1));
    const bool needed = job.ok() ? job->state() != v1::JOB_STATE_SUCCEEDED : !absl::IsNotFound(job.status());
    if (needed) continue;
    const absl::Status forgotten = co_await environment_.journal->DeleteAnswers(name);
    if (!forgotten.ok()) co_return forgotten;
  }
  co_return absl::OkStatus();
}

StatusTask JobRunner::RunOne(ClaimedJob claimed, Semaphore::Permit place) {
  const Semaphore::Permit held = std::move(place);
  JobRun run(environment_, std::move(claimed), options_.lease, co_await asio::this_coro::executor);
  const absl::Status ran = co_await run.Run();
  co_return ran;
}

}  // namespace dspex
