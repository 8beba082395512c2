#include <absl/strings/str_cat.h>
#include <absl/strings/str_format.h>
#include <grpcpp/channel.h>
#include <grpcpp/client_context.h>

#include <CLI/CLI.hpp>
#include <iostream>
#include <memory>
#include <optional>
#include <string>

#include "dspex/v1/optimizer_service.grpc.pb.h"
#include "server/cli/example_set.h"
#include "server/cli/job_options.h"
#include "server/cli/job_watch.h"
#include "server/cli/junit.h"
#include "server/cli/report_html.h"
#include "server/cli/session.h"
#include "server/cli/table.h"
#include "server/cli/values.h"

namespace dspex::cli {

namespace {

struct EvalOptions {
  JobOptions job;
  std::string data;
  std::string lm;
  std::string baseline;
  int repeats = 0;
  std::optional<double> fail_under;
  std::string junit;
};

int PrintComparison(const Session& session, v1::OptimizerService::Stub& stub, const std::string& baseline,
                    const std::string& candidate) {
  v1::CompareEvaluationsRequest request;
  request.set_baseline(JobName(baseline));
  request.set_candidate(candidate);
  v1::CompareEvaluationsResponse response;
  const grpc::Status status = stub.CompareEvaluations(session.NewContext().get(), request, &response);
  if (!status.ok()) return session.Failed(status);
  if (session.json) return session.PrintJson(response);
  std::cout << absl::StrFormat("against %s: %+.2f (%+.2f to %+.2f), p = %.3f; %d better, %d worse, %d the same\n",
                               request.baseline(), response.gain(), response.interval().low(),
                               response.interval().high(), response.p_value(), response.better_size(),
                               response.worse_size(), response.same());
  return kSuccess;
}

int RunEval(const Session& session, const EvalOptions& options) {
  absl::StatusOr<v1::Metric> metric = ReadMetricOption(options.job.metric);
  if (!metric.ok()) return UsageError(metric.status().message());
  v1::EvaluateRequest request;
  v1::EvaluateSpec& spec = *request.mutable_spec();
  spec.set_program(ProgramName(options.job.program));
  *spec.mutable_metric() = *std::move(metric);
  absl::StatusOr<v1::ExampleSet> examples = ReadExampleSet(session, options.data, spec.program());
  if (!examples.ok()) return Failure(examples.status().message());
  *spec.mutable_examples() = *std::move(examples);
  *spec.mutable_settings() = SettingsOf(options.job);
  spec.set_lm(options.lm);
  spec.set_judge_lm(options.job.judge);
  spec.set_repeats(options.repeats);
  for (v1::Budget& budget : BudgetsOf(options.job)) *spec.add_budgets() = std::move(budget);
  request.set_validate_only(options.job.estimate);
  const auto stub = v1::OptimizerService::NewStub(session.Connect());
  v1::EvaluateResponse response;
  const grpc::Status status = stub->Evaluate(session.NewContext().get(), request, &response);
  if (!status.ok()) return session.Failed(status);
  int code = kSuccess;
  const std::optional<v1::Job> job = Follow(session, *stub, options.job, response, false, code);
  if (!job.has_value()) return code;
  code = PrintJob(session, *job);
  if (code == kSuccess && !options.baseline.empty())
    code = PrintComparison(session, *stub, options.baseline, job->name());
  if (!options.junit.empty()) {
    const absl::Status written = WriteJunit(session, *stub, *job, options.fail_under, options.junit);
    if (!written.ok()) return Failure(written.message());
  }
  if (!options.job.html.empty()) {
    const absl::Status written = WriteHtmlReport(session, *job, options.job.html);
    if (!written.ok()) return Failure(written.message());
  }
  if (code == kSuccess && options.fail_under.has_value() && job->evaluate_result().score() < *options.fail_under) {
    return Failure(
        absl::StrFormat("the score, %.2f, is below %.2f", job->evaluate_result().score(), *options.fail_under));
  }
  return code;
}

}  // namespace

void AddEvalCommand(CLI::App& app, Action& action) {
  auto options = std::make_shared<EvalOptions>();
  CLI::App* command = app.add_subcommand("eval", "Measure a program on a dataset");
  options->job.AddTo(*command);
  command->add_option("--data", options->data, "The examples: NAME[@VERSION][:SPLIT], FILE.jsonl or FILE.csv")
      ->required()
      ->type_name("DATASET|FILE");
  command
      ->add_option("--metric", options->job.metric,
                   "How predictions are scored: exact_match, f1:FIELD, lua:FILE.lua, FILE.json, ...")
      ->required()
      ->type_name("METRIC");
  command->add_option("--lm", options->lm, "The model, in place of those the program names")
      ->type_name("PROVIDER/MODEL");
  command->add_option("--repeats", options->repeats, "How often each example is run")->type_name("N");
  command->add_option("--baseline", options->baseline, "Compare with an earlier evaluation")->type_name("JOB");
  command->add_option("--fail-under", options->fail_under, "Fail if the score is lower")->type_name("SCORE");
  command->add_option("--junit", options->junit, "Write the results as JUnit XML")->type_name("FILE.xml");
  command->callback(
      [options, &action] { action = [options](const Session& session) { return RunEval(session, *options); }; });
}

}  // namespace dspex::cli
