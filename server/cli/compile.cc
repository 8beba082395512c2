#include <absl/strings/str_cat.h>
#include <absl/strings/str_join.h>
#include <google/protobuf/util/json_util.h>
#include <grpcpp/channel.h>
#include <grpcpp/client_context.h>

#include <CLI/CLI.hpp>
#include <iostream>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "dspex/v1/optimizer_service.grpc.pb.h"
#include "server/cli/candidates.h"
#include "server/cli/example_set.h"
#include "server/cli/job_options.h"
#include "server/cli/job_watch.h"
#include "server/cli/report_html.h"
#include "server/cli/session.h"
#include "server/cli/values.h"

namespace dspex::cli {

namespace {

struct CompileOptions {
  JobOptions job;
  std::string optimizer = "bootstrap_few_shot";
  std::string trainset;
  std::string valset;
  std::string testset;
  std::string teacher;
  std::string task_lm;
  std::string teacher_lm;
  std::string prompt_lm;
  std::vector<std::string> frozen;
  std::vector<std::string> set;
  std::string promote;
  double margin = 0;
  bool cancel = false;
};

/// Puts "max_rounds=2" into the optimizer's message.
absl::Status SetOption(google::protobuf::Message& optimizer, const std::string& text) {
  const std::size_t equals = text.find('=');
  const std::string name = text.substr(0, equals);
  const google::protobuf::FieldDescriptor* field = optimizer.GetDescriptor()->FindFieldByName(name);
  if (equals == std::string::npos || field == nullptr) {
    std::vector<std::string> names;
    for (int i = 0; i < optimizer.GetDescriptor()->field_count(); ++i) {
      names.push_back(optimizer.GetDescriptor()->field(i)->name());
    }
    return absl::InvalidArgumentError(absl::StrCat("the optimizer has no option '", name,
                                                   "'; write NAME=VALUE with one of ", absl::StrJoin(names, ", ")));
  }
  const std::string json = absl::StrCat("{\"", name, "\": ", text.substr(equals + 1), "}");
  std::unique_ptr<google::protobuf::Message> parsed(optimizer.New());
  const auto read = google::protobuf::util::JsonStringToMessage(json, parsed.get());
  if (!read.ok())
    return absl::InvalidArgumentError(absl::StrCat("the value of ", name, " does not fit: ", read.ToString()));
  optimizer.MergeFrom(*parsed);
  return absl::OkStatus();
}

absl::Status ReadOptimizer(const CompileOptions& options, v1::CompileSpec& spec) {
  const google::protobuf::FieldDescriptor* field = v1::CompileSpec::descriptor()->FindFieldByName(options.optimizer);
  if (field == nullptr || field->real_containing_oneof() == nullptr) {
    std::vector<std::string> names;
    const google::protobuf::OneofDescriptor& oneof = *v1::CompileSpec::descriptor()->oneof_decl(0);
    for (int i = 0; i < oneof.field_count(); ++i) names.push_back(oneof.field(i)->name());
    return absl::InvalidArgumentError(
        absl::StrCat("there is no optimizer '", options.optimizer, "'; name one of ", absl::StrJoin(names, ", ")));
  }
  google::protobuf::Message* optimizer = spec.GetReflection()->MutableMessage(&spec, field);
  for (const std::string& text : options.set) {
    if (absl::Status status = SetOption(*optimizer, text); !status.ok()) return status;
  }
  return absl::OkStatus();
}

absl::Status ReadSets(const Session& session, const CompileOptions& options, v1::CompileSpec& spec) {
  const std::pair<const std::string*, v1::ExampleSet* (*)(v1::CompileSpec&)> sets[] = {
      {&options.trainset, [](v1::CompileSpec& s) { return s.mutable_trainset(); }},
      {&options.valset, [](v1::CompileSpec& s) { return s.mutable_valset(); }},
      {&options.testset, [](v1::CompileSpec& s) { return s.mutable_testset(); }},
  };
  for (const auto& [text, field] : sets) {
    if (text->empty()) continue;
    absl::StatusOr<v1::ExampleSet> set = ReadExampleSet(session, *text, spec.program());
    if (!set.ok()) return set.status();
    *field(spec) = *std::move(set);
  }
  return absl::OkStatus();
}

absl::StatusOr<v1::CompileSpec> ReadSpec(const Session& session, const CompileOptions& options) {
  v1::CompileSpec spec;
  spec.set_program(ProgramName(options.job.program));
  if (absl::Status status = ReadOptimizer(options, spec); !status.ok()) return status;
  if (!options.job.metric.empty()) {
    absl::StatusOr<v1::Metric> metric = ReadMetricOption(options.job.metric);
    if (!metric.ok()) return metric.status();
    *spec.mutable_metric() = *std::move(metric);
  }
  if (absl::Status status = ReadSets(session, options, spec); !status.ok()) return status;
  *spec.mutable_settings() = SettingsOf(options.job);
  if (!options.teacher.empty()) spec.set_teacher(ProgramName(options.teacher));
  spec.set_task_lm(options.task_lm);
  spec.set_teacher_lm(options.teacher_lm);
  spec.set_prompt_lm(options.prompt_lm);
  spec.set_judge_lm(options.job.judge);
  spec.mutable_frozen()->Add(options.frozen.begin(), options.frozen.end());
  for (v1::Budget& budget : BudgetsOf(options.job)) *spec.add_budgets() = std::move(budget);
  if (!options.promote.empty()) {
    spec.mutable_promotion()->set_label(options.promote);
    spec.mutable_promotion()->set_margin(options.margin);
  }
  return spec;
}

int RunCompile(const Session& session, const CompileOptions& options) {
  absl::StatusOr<v1::CompileSpec> spec = ReadSpec(session, options);
  if (!spec.ok()) return UsageError(spec.status().message());
  v1::CompileRequest request;
  *request.mutable_spec() = *std::move(spec);
  request.set_validate_only(options.job.estimate);
  const auto stub = v1::OptimizerService::NewStub(session.Connect());
  v1::CompileResponse response;
  const grpc::Status status = stub->Compile(session.NewContext().get(), request, &response);
  if (!status.ok()) return session.Failed(status);
  int code = kSuccess;
  const std::optional<v1::Job> job = Follow(session, *stub, options.job, response, options.cancel, code);
  if (!job.has_value()) return code;
  code = PrintJob(session, *job);
  if (!session.json) {
    if (const int listed = PrintCandidates(session, *stub, job->name()); listed != kSuccess) return listed;
  }
  if (!options.job.html.empty()) {
    const absl::Status written = WriteHtmlReport(session, *job, options.job.html);
    if (!written.ok()) return Failure(written.message());
  }
  return code;
}

}  // namespace

void AddCompileCommand(CLI::App& app, Action& action) {
  auto options = std::make_shared<CompileOptions>();
  CLI::App* command = app.add_subcommand("compile", "Optimise a program by examples");
  options->job.AddTo(*command);
  command
      ->add_option("--optimizer", options->optimizer,
                   "labeled_few_shot, bootstrap_few_shot (the default), bootstrap_few_shot_with_random_search or copro")
      ->type_name("NAME");
  command->add_option("--set", options->set, "An option of the optimizer, max_bootstrapped_demos=2 for example")
      ->type_name("NAME=VALUE");
  command
      ->add_option("--trainset", options->trainset,
                   "What to learn from: NAME[@VERSION][:SPLIT], FILE.jsonl or FILE.csv")
      ->required()
      ->type_name("DATASET|FILE");
  command->add_option("--valset", options->valset, "What candidates are compared on (the trainset)")
      ->type_name("DATASET|FILE");
  command->add_option("--testset", options->testset, "What the result is reported on, and nothing else")
      ->type_name("DATASET|FILE");
  command
      ->add_option("--metric", options->job.metric,
                   "How predictions are scored: exact_match, f1:FIELD, lua:FILE.lua, FILE.json, ...")
      ->type_name("METRIC");
  command->add_option("--teacher", options->teacher, "The teacher's program (the student)")->type_name("PROGRAM");
  command->add_option("--lm", options->task_lm, "The student's model, in place of those it names")
      ->type_name("PROVIDER/MODEL");
  command->add_option("--teacher-lm", options->teacher_lm, "The teacher's model")->type_name("PROVIDER/MODEL");
  command->add_option("--prompt-lm", options->prompt_lm, "The model that writes instructions")
      ->type_name("PROVIDER/MODEL");
  command->add_option("--freeze", options->frozen, "A module that stays as it is")->type_name("MODULE");
  command->add_option("--promote", options->promote, "Move this label to the result if it is better on the testset")
      ->type_name("LABEL");
  command->add_option("--margin", options->margin, "By more than so many points")->type_name("POINTS");
  command->add_flag("--cancel", options->cancel, "Ctrl-C cancels the job; otherwise it goes on");
  command->callback(
      [options, &action] { action = [options](const Session& session) { return RunCompile(session, *options); }; });
}

}  // namespace dspex::cli
