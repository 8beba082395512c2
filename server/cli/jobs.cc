#include <absl/strings/str_cat.h>
#include <absl/strings/str_format.h>
#include <grpcpp/channel.h>
#include <grpcpp/client_context.h>

#include <CLI/CLI.hpp>
#include <functional>
#include <iostream>
#include <memory>
#include <string>
#include <vector>

#include "dspex/v1/optimizer_service.grpc.pb.h"
#include "dspex/v1/program_service.grpc.pb.h"
#include "server/cli/candidates.h"
#include "server/cli/job_options.h"
#include "server/cli/job_watch.h"
#include "server/cli/pages.h"
#include "server/cli/report_html.h"
#include "server/cli/session.h"
#include "server/cli/table.h"

namespace dspex::cli {

namespace {

struct JobsOptions {
  std::string job;
  int candidate = 0;
  std::string html;
  std::string max_cost;
  std::int64_t max_tokens = 0;
  std::int64_t max_calls = 0;
  double max_time = 0;
};

using Stub = v1::OptimizerService::Stub;

std::string KindText(const v1::Job& job) {
  if (job.has_evaluate()) return "evaluate";
  const auto* field = v1::CompileSpec::descriptor()->FindFieldByNumber(job.compile().optimizer_case());
  return field == nullptr ? "compile" : field->name();
}

std::string ResultText(const v1::Job& job) {
  if (job.has_evaluate_result()) return absl::StrFormat("%.2f", job.evaluate_result().score());
  if (!job.has_compile_result()) return "";
  const v1::CompileResult& result = job.compile_result();
  if (!result.has_after()) return result.program();
  return absl::StrFormat("%.2f -> %.2f", result.before().score(), result.after().score());
}

int List(const Session& session, Stub& stub) {
  v1::ListJobsResponse all;
  v1::ListJobsRequest request;
  const grpc::Status status = ReadPages<v1::ListJobsResponse>(
      session, request, [&stub](auto&&... call) { return stub.ListJobs(call...); },
      [&all](v1::ListJobsResponse& page) {
        for (auto& job : *page.mutable_jobs()) all.add_jobs()->Swap(&job);
      });
  if (!status.ok()) return session.Failed(status);
  if (session.json) return session.PrintJson(all);
  Table table({"NAME", "WHAT", "PROGRAM", "STATE", "SCORED", "RESULT", "SPENT", "MADE"});
  for (const v1::Job& job : all.jobs()) {
    table.Add({job.name(), KindText(job), job.has_evaluate() ? job.evaluate().program() : job.compile().program(),
               StateText(job), absl::StrCat(job.progress().scored(), "/", job.progress().total()), ResultText(job),
               SpendingText(job), TimeText(job.create_time())});
  }
  std::cout << table.ToString();
  return kSuccess;
}

int Show(const Session& session, Stub& stub, const JobsOptions& options) {
  v1::GetJobRequest request;
  request.set_name(JobName(options.job));
  v1::GetJobResponse response;
  const grpc::Status status = stub.GetJob(session.NewContext().get(), request, &response);
  if (!status.ok()) return session.Failed(status);
  if (session.json) return session.PrintJson(response);
  PrintJob(session, response.job());
  if (response.job().has_compile()) return PrintCandidates(session, stub, request.name());
  return kSuccess;
}

int Watch(const Session& session, Stub& stub, const JobsOptions& options) {
  int code = kSuccess;
  const std::optional<v1::Job> job = WatchToEnd(session, stub, JobName(options.job), false, code);
  return job.has_value() ? PrintJob(session, *job) : code;
}

int Cancel(const Session& session, Stub& stub, const JobsOptions& options) {
  v1::CancelJobRequest request;
  request.set_name(JobName(options.job));
  v1::CancelJobResponse response;
  const grpc::Status status = stub.CancelJob(session.NewContext().get(), request, &response);
  if (!status.ok()) return session.Failed(status);
  if (session.json) return session.PrintJson(response);
  std::cout << request.name() << " " << (response.job().cancel_requested() ? "ends" : StateText(response.job()))
            << "\n";
  return kSuccess;
}

int Resume(const Session& session, Stub& stub, const JobsOptions& options) {
  v1::ResumeJobRequest request;
  request.set_name(JobName(options.job));
  JobOptions budgets;
  budgets.max_cost = options.max_cost;
  budgets.max_tokens = options.max_tokens;
  budgets.max_calls = options.max_calls;
  budgets.max_time = options.max_time;
  for (v1::Budget& budget : BudgetsOf(budgets)) *request.add_budgets() = std::move(budget);
  v1::ResumeJobResponse response;
  const grpc::Status status = stub.ResumeJob(session.NewContext().get(), request, &response);
  if (!status.ok()) return session.Failed(status);
  if (session.json) return session.PrintJson(response);
  std::cout << request.name() << " " << StateText(response.job()) << "\n";
  return kSuccess;
}

int Results(const Session& session, Stub& stub, const JobsOptions& options) {
  std::vector<v1::ExampleResult> results;
  const grpc::Status status = ReadResults(session, stub, JobName(options.job), options.candidate, results);
  if (!status.ok()) return session.Failed(status);
  if (session.json) {
    for (const v1::ExampleResult& result : results) session.PrintJsonLine(result);
    return kSuccess;
  }
  Table table({"EXAMPLE", "SCORE", "OUTPUTS", "WHY"});
  for (const v1::ExampleResult& result : results) {
    table.Add({result.example(), absl::StrFormat("%g", result.score()), result.outputs_json(),
               result.has_error() ? result.error().message() : result.feedback()});
  }
  std::cout << table.ToString();
  return kSuccess;
}

int Promote(const Session& session, Stub& stub, const JobsOptions& options) {
  v1::PromoteCandidateRequest request;
  request.set_name(JobName(options.job));
  request.set_candidate(options.candidate);
  v1::PromoteCandidateResponse response;
  const grpc::Status status = stub.PromoteCandidate(session.NewContext().get(), request, &response);
  if (!status.ok()) return session.Failed(status);
  if (session.json) return session.PrintJson(response);
  std::cout << "candidate " << options.candidate << " is " << response.program().name() << "@"
            << response.program().revision() << "\n";
  return kSuccess;
}

int Report(const Session& session, Stub& stub, const JobsOptions& options) {
  v1::GetJobRequest request;
  request.set_name(JobName(options.job));
  v1::GetJobResponse response;
  const grpc::Status status = stub.GetJob(session.NewContext().get(), request, &response);
  if (!status.ok()) return session.Failed(status);
  const absl::Status written = WriteHtmlReport(session, response.job(), options.html);
  return written.ok() ? kSuccess : Failure(written.message());
}

using Run = std::function<int(const Session&, Stub&, const JobsOptions&)>;

CLI::App* Add(CLI::App& jobs, Action& action, const std::shared_ptr<JobsOptions>& options, const char* name,
              const char* help, Run run) {
  CLI::App* command = jobs.add_subcommand(name, help);
  command->add_option("job", options->job, "The job, jobs/ID or ID")->required()->type_name("JOB");
  command->callback([options, &action, run = std::move(run)] {
    action = [options, run](const Session& session) {
      const auto stub = v1::OptimizerService::NewStub(session.Connect());
      return run(session, *stub, *options);
    };
  });
  return command;
}

void AddCandidate(CLI::App* command, const std::shared_ptr<JobsOptions>& options) {
  command->add_option("--candidate", options->candidate, "Of a compile: which candidate (0)")->type_name("N");
}

}  // namespace

void AddJobsCommand(CLI::App& app, Action& action) {
  auto options = std::make_shared<JobsOptions>();
  CLI::App* jobs = app.add_subcommand("jobs", "Look at evaluations and compiles, and steer them");
  jobs->callback([jobs, &action] {
    if (!jobs->get_subcommands().empty()) return;
    action = [](const Session& session) {
      const auto stub = v1::OptimizerService::NewStub(session.Connect());
      return List(session, *stub);
    };
  });
  Add(*jobs, action, options, "show", "A job, with its candidates", Show);
  Add(*jobs, action, options, "watch", "Follow a job to its end", Watch);
  Add(*jobs, action, options, "cancel", "End a job; what it has found stays", Cancel);
  CLI::App* resume = Add(*jobs, action, options, "resume", "Go on with a job that failed or was cancelled", Resume);
  resume->add_option("--max-cost", options->max_cost, "The most US dollars to spend")->type_name("DOLLARS");
  resume->add_option("--max-tokens", options->max_tokens, "The most tokens to spend")->type_name("N");
  resume->add_option("--max-calls", options->max_calls, "The most calls of language models")->type_name("N");
  resume->add_option("--max-time", options->max_time, "The longest time from the job's start")->type_name("SECONDS");
  AddCandidate(Add(*jobs, action, options, "results", "What came of each example", Results), options);
  AddCandidate(Add(*jobs, action, options, "promote", "Make a candidate the next revision", Promote), options);
  Add(*jobs, action, options, "report", "Write a page about a job", Report)
      ->add_option("--html", options->html, "The file")
      ->required()
      ->type_name("FILE.html");
}

}  // namespace dspex::cli
