#include "server/service/optimizer_service.h"

#include <absl/strings/numbers.h>
#include <absl/strings/str_cat.h>
#include <absl/strings/strip.h>

#include <algorithm>
#include <boost/asio/this_coro.hpp>
#include <nlohmann/json.hpp>
#include <utility>
#include <vector>

#include "engine/base/error.h"
#include "engine/base/reasons.h"
#include "engine/evaluate/statistics.h"
#include "engine/json/json.h"
#include "engine/optimizer/optimizer.h"
#include "engine/optimizer/parameters.h"
#include "server/job/job_pins.h"
#include "server/job/job_state.h"
#include "server/job/job_work.h"
#include "server/job/pin_spec.h"
#include "server/program/resource_name.h"
#include "server/service/page_token.h"
#include "server/service/request_checks.h"

namespace dspex {

namespace {

constexpr int kEventsAtATime = 100;
constexpr int kMaxExamplesNamed = 1000;
// How often a watcher looks whether the server stops.
constexpr Clock::duration kLookAgain = std::chrono::seconds(1);

absl::Status Invalid(absl::string_view field, absl::string_view problem) {
  return InvalidField(field, problem, absl::StrCat("The field ", field, " ", problem));
}

absl::StatusOr<std::string> ParseJobName(absl::string_view name, absl::string_view field) {
  absl::string_view id = name;
  if (!absl::ConsumePrefix(&id, "jobs/") || !IsProgramId(id)) {
    return Invalid(field, "is no job's name. Write it as jobs/ID.");
  }
  return std::string(id);
}

std::string JournalNameOf(const RequestContext& context, const v1::Job& job) {
  return JournalName(context.record().tenant, absl::StripPrefix(job.name(), "jobs/"));
}

absl::Status WrongToken() {
  return Invalid("page_token", "is none that this list gave. Take next_page_token as it came.");
}

/// The number that a token holds; `first` for the first page.
absl::StatusOr<std::int64_t> ReadNumber(const std::string& list, const std::string& token, std::int64_t first) {
  const absl::StatusOr<std::string> last = ReadPageToken(list, token);
  if (!last.ok()) return last.status();
  std::int64_t number = first;
  if (!last->empty() && !absl::SimpleAtoi(*last, &number)) return WrongToken();
  return number;
}

/// Where a page of results begins: the time, and the last index of it that was listed.
struct ResultPlace {
  int repeat = 0;
  std::int64_t after = -1;
};

absl::StatusOr<ResultPlace> ReadPlace(const std::string& list, const std::string& token) {
  const absl::StatusOr<std::string> last = ReadPageToken(list, token);
  if (!last.ok()) return last.status();
  ResultPlace place;
  if (last->empty()) return place;
  const std::size_t colon = last->find(':');
  if (colon == std::string::npos || !absl::SimpleAtoi(last->substr(0, colon), &place.repeat) ||
      !absl::SimpleAtoi(last->substr(colon + 1), &place.after)) {
    return WrongToken();
  }
  return place;
}

std::string LaneOf(const v1::Job& job, const v1::ListExampleResultsRequest& request, int repeat) {
  if (job.has_evaluate()) return EvaluateLane(repeat);
  switch (request.reported()) {
    case v1::REPORTED_RUN_BEFORE:
      return std::string(kReportBefore);
    case v1::REPORTED_RUN_AFTER:
      return std::string(kReportAfter);
    default:
      return ScoreLane(request.candidate());
  }
}

ProgramParameters ReadCandidate(const v1::Candidate& candidate) {
  ProgramParameters all;
  for (const v1::ModuleParameters& module : candidate.parameters()) {
    PredictorParameters& parameters = all.emplace_back();
    parameters.module = module.module();
    parameters.instructions = module.instructions();
    parameters.prefix = module.prefix();
    for (const v1::Example& demo : module.demos()) {
      // The server wrote them itself.
      parameters.demos.push_back(Json::parse(demo.fields_json()));
    }
  }
  return all;
}

}  // namespace

template <typename Request, typename Response, typename Pin, typename Spec>
StatusTask OptimizerService::Begin(RequestContext context, const Request& request, Response& response, Pin pin,
                                   Spec spec) {
  absl::StatusOr<WriteRequest> write = ReadWriteRequest(context, request);
  if (!write.ok()) co_return write.status();
  v1::Job job;
  *spec(job) = request.spec();
  v1::Estimate estimate;
  const absl::Status pinned = co_await pin(environment_, context.record().tenant, *spec(job), estimate);
  if (!pinned.ok()) co_return WithFieldPrefix(pinned, "spec");
  *job.mutable_pins() = MakePins(environment_.programs_in.default_lm, *environment_.prices);
  if (!request.validate_only()) {
    absl::StatusOr<v1::Job> created = co_await environment_.jobs->Create(*std::move(write), std::move(job));
    if (!created.ok()) co_return created.status();
    job = *std::move(created);
  }
  *response.mutable_job() = std::move(job);
  *response.mutable_estimate() = std::move(estimate);
  co_return absl::OkStatus();
}

StatusTask OptimizerService::Compile(RequestContext context, const v1::CompileRequest& request,
                                     v1::CompileResponse& response) {
  return Begin(context, request, response, PinCompile, [](v1::Job& job) { return job.mutable_compile(); });
}

StatusTask OptimizerService::Evaluate(RequestContext context, const v1::EvaluateRequest& request,
                                      v1::EvaluateResponse& response) {
  return Begin(context, request, response, PinEvaluate, [](v1::Job& job) { return job.mutable_evaluate(); });
}

Task<v1::Job> OptimizerService::Find(const RequestContext& context, const std::string& name, absl::string_view field) {
  absl::StatusOr<std::string> id = ParseJobName(name, field);
  if (!id.ok()) co_return id.status();
  co_return co_await environment_.jobs->Get(context.record().tenant, *std::move(id));
}

StatusTask OptimizerService::GetJob(RequestContext context, const v1::GetJobRequest& request,
                                    v1::GetJobResponse& response) {
  absl::StatusOr<v1::Job> job = co_await Find(context, request.name(), "name");
  if (!job.ok()) co_return job.status();
  *response.mutable_job() = *std::move(job);
  co_return absl::OkStatus();
}

StatusTask OptimizerService::ListJobs(RequestContext context, const v1::ListJobsRequest& request,
                                      v1::ListJobsResponse& response) {
  const std::string list = absl::StrCat("ListJobs ", context.record().tenant);
  const absl::StatusOr<int> size = ReadPageSize(request.page_size());
  if (!size.ok()) co_return size.status();
  const absl::StatusOr<std::int64_t> before = ReadNumber(list, request.page_token(), 0);
  if (!before.ok()) co_return before.status();
  absl::StatusOr<JobPage> page = co_await environment_.jobs->List(context.record().tenant, *before, *size);
  if (!page.ok()) co_return page.status();
  for (v1::Job& job : page->jobs) *response.add_jobs() = std::move(job);
  if (page->next != 0) response.set_next_page_token(MakePageToken(list, absl::StrCat(page->next)));
  co_return absl::OkStatus();
}

StatusTask OptimizerService::WatchJob(RequestContext context, const v1::WatchJobRequest& request,
                                      ResponseWriter<v1::WatchJobResponse>& writer) {
  const absl::StatusOr<std::string> id = ParseJobName(request.name(), "name");
  if (!id.ok()) co_return id.status();
  const std::string& tenant = context.record().tenant;
  const asio::any_io_executor executor = co_await asio::this_coro::executor;
  std::int64_t after = request.after_event();
  while (true) {
    const std::shared_ptr<Waiter> changed = environment_.jobs->Changed(tenant, *id, executor);
    absl::StatusOr<v1::Job> job = co_await environment_.jobs->Get(tenant, *id);
    if (!job.ok()) co_return job.status();
    absl::StatusOr<std::vector<v1::JobEvent>> events =
        co_await environment_.jobs->ReadEvents(tenant, *id, after, kEventsAtATime);
    if (!events.ok()) co_return events.status();
    for (v1::JobEvent& event : *events) {
      after = event.number();
      v1::WatchJobResponse response;
      *response.mutable_event() = std::move(event);
      const absl::Status written = co_await writer.Write(response);
      if (!written.ok()) co_return written;
    }
    if (!events->empty()) continue;
    // Read before its events were: none can have come since if it had ended by then.
    if (HasEnded(job->state())) co_return absl::OkStatus();
    while (!changed->woken()) {
      if (stops_.load()) {
        co_return Error(absl::StatusCode::kUnavailable, reason::kDraining,
                        "The server is going away. The job goes on; watch it again from the last event that you have.");
      }
      const absl::Status waited = co_await changed->Wait(std::min(context.deadline(), Clock::now() + kLookAgain));
      if (absl::IsCancelled(waited)) co_return waited;
      if (Clock::now() >= context.deadline()) co_return absl::DeadlineExceededError("The time to watch is over.");
    }
  }
}

StatusTask OptimizerService::CancelJob(RequestContext context, const v1::CancelJobRequest& request,
                                       v1::CancelJobResponse& response) {
  absl::StatusOr<std::string> id = ParseJobName(request.name(), "name");
  if (!id.ok()) co_return id.status();
  absl::StatusOr<v1::Job> job = co_await environment_.jobs->RequestCancel(context.record().tenant, *std::move(id));
  if (!job.ok()) co_return job.status();
  *response.mutable_job() = *std::move(job);
  co_return absl::OkStatus();
}

StatusTask OptimizerService::ResumeJob(RequestContext context, const v1::ResumeJobRequest& request,
                                       v1::ResumeJobResponse& response) {
  absl::StatusOr<v1::Job> before = co_await Find(context, request.name(), "name");
  if (!before.ok()) co_return before.status();
  if (request.budgets_size() > 0) {
    // As the job would be checked if it began with them.
    v1::Estimate ignored;
    absl::Status checked;
    if (before->has_compile()) {
      v1::CompileSpec spec = before->compile();
      *spec.mutable_budgets() = request.budgets();
      checked = co_await PinCompile(environment_, context.record().tenant, spec, ignored);
    } else {
      v1::EvaluateSpec spec = before->evaluate();
      *spec.mutable_budgets() = request.budgets();
      checked = co_await PinEvaluate(environment_, context.record().tenant, spec, ignored);
    }
    if (!checked.ok()) co_return checked;
  }
  const absl::StatusOr<std::string> id = ParseJobName(request.name(), "name");
  absl::StatusOr<v1::Job> job = co_await environment_.jobs->Resume(context.record().tenant, *id, request.budgets());
  if (!job.ok()) co_return job.status();
  *response.mutable_job() = *std::move(job);
  co_return absl::OkStatus();
}

StatusTask OptimizerService::ListCandidates(RequestContext context, const v1::ListCandidatesRequest& request,
                                            v1::ListCandidatesResponse& response) {
  const std::string list = absl::StrCat("ListCandidates ", context.record().tenant, " ", request.name());
  const absl::StatusOr<int> size = ReadPageSize(request.page_size());
  if (!size.ok()) co_return size.status();
  absl::StatusOr<std::int64_t> after = ReadNumber(list, request.page_token(), -1);
  if (!after.ok()) co_return after.status();
  const absl::StatusOr<std::string> id = ParseJobName(request.name(), "name");
  if (!id.ok()) co_return id.status();
  absl::StatusOr<v1::Job> job = co_await environment_.jobs->Get(context.record().tenant, *id);
  if (!job.ok()) co_return job.status();
  absl::StatusOr<CandidatePage> page =
      co_await environment_.jobs->ReadCandidates(context.record().tenant, *id, *after, *size);
  if (!page.ok()) co_return page.status();
  for (v1::Candidate& candidate : page->candidates) {
    after = candidate.number();
    candidate.set_chosen(job->has_compile_result() && job->state() == v1::JOB_STATE_SUCCEEDED &&
                         job->compile_result().candidate() == candidate.number());
    *response.add_candidates() = std::move(candidate);
  }
  if (page->more) response.set_next_page_token(MakePageToken(list, absl::StrCat(*after)));
  co_return absl::OkStatus();
}

StatusTask OptimizerService::ListExampleResults(RequestContext context, const v1::ListExampleResultsRequest& request,
                                                v1::ListExampleResultsResponse& response) {
  const std::string list = absl::StrCat("ListExampleResults ", context.record().tenant, " ", request.name(), " ",
                                        request.candidate(), " ", request.reported());
  const absl::StatusOr<int> size = ReadPageSize(request.page_size());
  if (!size.ok()) co_return size.status();
  absl::StatusOr<ResultPlace> place = ReadPlace(list, request.page_token());
  if (!place.ok()) co_return place.status();
  const absl::StatusOr<v1::Job> job = co_await Find(context, request.name(), "name");
  if (!job.ok()) co_return job.status();
  const int repeats = job->has_evaluate() ? std::max(1, job->evaluate().repeats()) : 1;
  while (place->repeat < repeats) {
    const std::string lane = LaneOf(*job, request, place->repeat);
    absl::StatusOr<ExampleResultPage> page = co_await environment_.journal->ReadResults(
        JournalNameOf(context, *job), lane, place->after, *size - response.results_size());
    if (!page.ok()) co_return page.status();
    for (v1::ExampleResult& result : page->results) *response.add_results() = std::move(result);
    place->after = page->last;
    if (page->more || response.results_size() >= *size) break;
    place = ResultPlace{place->repeat + 1, -1};
  }
  if (place->repeat < repeats) {
    response.set_next_page_token(MakePageToken(list, absl::StrCat(place->repeat, ":", place->after)));
  }
  co_return absl::OkStatus();
}

Task<v1::Candidate> OptimizerService::FindCandidate(const RequestContext& context, const v1::Job& job, int number) {
  const std::string id(absl::StripPrefix(job.name(), "jobs/"));
  absl::StatusOr<CandidatePage> page =
      co_await environment_.jobs->ReadCandidates(context.record().tenant, id, number - 1, 1);
  if (!page.ok()) co_return page.status();
  if (page->candidates.empty() || page->candidates[0].number() != number) {
    co_return Invalid("candidate", "is the number of no candidate of the job. Take one that ListCandidates gives.");
  }
  co_return std::move(page->candidates[0]);
}

StatusTask OptimizerService::PromoteCandidate(RequestContext context, const v1::PromoteCandidateRequest& request,
                                              v1::PromoteCandidateResponse& response) {
  absl::StatusOr<WriteRequest> write = ReadWriteRequest(context, request);
  if (!write.ok()) co_return write.status();
  const absl::StatusOr<v1::Job> job = co_await Find(context, request.name(), "name");
  if (!job.ok()) co_return job.status();
  if (!job->has_compile()) co_return Invalid("name", "is no Compile. Only those have candidates.");
  const absl::StatusOr<v1::Candidate> candidate = co_await FindCandidate(context, *job, request.candidate());
  if (!candidate.ok()) co_return candidate.status();
  absl::StatusOr<v1::Program> parent =
      co_await ReadProgram(environment_, context.record().tenant, job->compile().program());
  if (!parent.ok()) co_return parent.status();
  v1::Program next = *parent;
  const absl::Status put = WriteParameters(ReadCandidate(*candidate), next);
  if (!put.ok()) co_return put;
  *next.mutable_lineage() = LineageOf(*job, request.candidate());
  if (request.validate_only()) {
    *response.mutable_program() = std::move(next);
    co_return absl::OkStatus();
  }
  absl::StatusOr<v1::Program> stored =
      co_await environment_.programs->Update(*std::move(write), std::string(SplitProgramName(parent->name())->id), "",
                                             [next](const v1::Program&) { return next; });
  if (!stored.ok()) co_return stored.status();
  *response.mutable_program() = *std::move(stored);
  co_return absl::OkStatus();
}

namespace {

bool SameExamples(const v1::ExampleSet& a, const v1::ExampleSet& b) {
  return a.dataset() == b.dataset() && a.split() == b.split() && a.limit() == b.limit();
}

/// The mean score of each example, in the order of the dataset.
struct MeanScore {
  std::string example;
  double sum = 0;
  int count = 0;
  double mean() const { return sum / count; }
};

Task<std::vector<MeanScore>> ReadMeans(Journal& journal, std::string name, const v1::Job& job) {
  std::vector<MeanScore> means;
  for (int repeat = 0; repeat < std::max(1, job.evaluate().repeats()); ++repeat) {
    std::int64_t after = -1;
    while (true) {
      absl::StatusOr<ExampleResultPage> page = co_await journal.ReadResults(name, EvaluateLane(repeat), after, 1000);
      if (!page.ok()) co_return page.status();
      std::int64_t index = after;
      for (const v1::ExampleResult& result : page->results) {
        // Every example of a job that succeeded has one result each time.
        const auto place = static_cast<std::size_t>(++index);
        if (place >= means.size()) means.resize(place + 1);
        means[place].example = result.example();
        means[place].sum += result.score();
        ++means[place].count;
      }
      after = page->last;
      if (!page->more) break;
    }
  }
  co_return means;
}

}  // namespace

StatusTask OptimizerService::CompareEvaluations(RequestContext context, const v1::CompareEvaluationsRequest& request,
                                                v1::CompareEvaluationsResponse& response) {
  const absl::StatusOr<v1::Job> baseline = co_await Find(context, request.baseline(), "baseline");
  if (!baseline.ok()) co_return baseline.status();
  const absl::StatusOr<v1::Job> candidate = co_await Find(context, request.candidate(), "candidate");
  if (!candidate.ok()) co_return candidate.status();
  for (const auto& [job, field] : {std::pair(&*baseline, "baseline"), std::pair(&*candidate, "candidate")}) {
    if (!job->has_evaluate() || job->state() != v1::JOB_STATE_SUCCEEDED) {
      co_return Invalid(field, "is no Evaluate that succeeded. Name one.");
    }
  }
  if (!SameExamples(baseline->evaluate().examples(), candidate->evaluate().examples())) {
    co_return Invalid("candidate", "has run on other examples than the baseline. Evaluate both on the same version.");
  }
  const absl::StatusOr<std::vector<MeanScore>> before =
      co_await ReadMeans(*environment_.journal, JournalNameOf(context, *baseline), *baseline);
  if (!before.ok()) co_return before.status();
  const absl::StatusOr<std::vector<MeanScore>> after =
      co_await ReadMeans(*environment_.journal, JournalNameOf(context, *candidate), *candidate);
  if (!after.ok()) co_return after.status();
  std::vector<double> gains;
  for (std::size_t i = 0; i < std::min(before->size(), after->size()); ++i) {
    const double gain = 100 * ((*after)[i].mean() - (*before)[i].mean());
    gains.push_back(gain);
    if (gain > 0 && response.better_size() < kMaxExamplesNamed) response.add_better((*after)[i].example);
    if (gain < 0 && response.worse_size() < kMaxExamplesNamed) response.add_worse((*after)[i].example);
    if (gain == 0) response.set_same(response.same() + 1);
  }
  if (gains.empty()) co_return absl::OkStatus();
  double sum = 0;
  for (const double gain : gains) sum += gain;
  response.set_gain(sum / static_cast<double>(gains.size()));
  WriteInterval(MeanInterval(gains), *response.mutable_interval());
  response.set_p_value(PermutationPValue(gains));
  co_return absl::OkStatus();
}

}  // namespace dspex
