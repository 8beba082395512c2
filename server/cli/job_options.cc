#include "server/cli/job_options.h"

#include <absl/strings/match.h>
#include <absl/strings/str_cat.h>
#include <absl/strings/str_join.h>
#include <google/protobuf/util/json_util.h>
#include <google/protobuf/util/time_util.h>

#include <CLI/CLI.hpp>
#include <cmath>

#include "server/config/read_file.h"

namespace dspex::cli {

namespace {

google::protobuf::Duration ToDuration(double seconds) {
  return google::protobuf::util::TimeUtil::NanosecondsToDuration(std::llround(seconds * 1e9));
}

std::string KnownMetrics() {
  std::vector<std::string> names;
  const google::protobuf::Descriptor& metric = *v1::Metric::descriptor();
  for (int i = 0; i < metric.oneof_decl(0)->field_count(); ++i) names.push_back(metric.oneof_decl(0)->field(i)->name());
  return absl::StrJoin(names, ", ");
}

absl::StatusOr<v1::Metric> ReadMetricFile(const std::string& path) {
  const absl::StatusOr<std::string> text = ReadFile(path);
  if (!text.ok()) return text.status();
  v1::Metric metric;
  const auto read = google::protobuf::util::JsonStringToMessage(*text, &metric);
  if (!read.ok()) return absl::InvalidArgumentError(absl::StrCat(path, " is no metric: ", read.ToString()));
  return metric;
}

absl::StatusOr<v1::Metric> ReadScript(const std::string& path) {
  absl::StatusOr<std::string> script = ReadFile(path);
  if (!script.ok()) return script.status();
  v1::Metric metric;
  metric.mutable_lua()->set_script(*std::move(script));
  return metric;
}

}  // namespace

absl::StatusOr<v1::Metric> ReadMetricOption(const std::string& text) {
  if (absl::EndsWith(text, ".json")) return ReadMetricFile(text);
  const std::size_t colon = text.find(':');
  const std::string name = text.substr(0, colon);
  const std::string rest = colon == std::string::npos ? "" : text.substr(colon + 1);
  if (name == "lua") return ReadScript(rest);
  v1::Metric metric;
  const google::protobuf::FieldDescriptor* kind = v1::Metric::descriptor()->FindFieldByName(name);
  if (kind == nullptr || kind->containing_oneof() == nullptr || kind->real_containing_oneof() == nullptr) {
    return absl::InvalidArgumentError(absl::StrCat("there is no metric '", name, "'; name one of ", KnownMetrics(),
                                                   ", as in exact_match, f1:answer or lua:score.lua, or give a file "
                                                   "metric.json"));
  }
  google::protobuf::Message* message = metric.GetReflection()->MutableMessage(&metric, kind);
  if (rest.empty()) return metric;
  const google::protobuf::FieldDescriptor* field = message->GetDescriptor()->FindFieldByName("field");
  if (field == nullptr) {
    return absl::InvalidArgumentError(absl::StrCat("the metric ", name, " takes no field; give a file metric.json"));
  }
  message->GetReflection()->SetString(message, field, rest);
  return metric;
}

void JobOptions::AddTo(CLI::App& command) {
  command.add_option("program", program, "The program, NAME or NAME@REVISION")->required()->type_name("PROGRAM");
  command.add_option("--concurrency", concurrency, "Predictions under way at a time (8)")->type_name("N");
  command.add_option("--example-timeout", example_timeout, "How long one prediction may take (120)")
      ->type_name("SECONDS");
  command.add_option("--max-errors", max_errors, "So many failures end the run (10); negative: none do")
      ->type_name("N");
  command.add_option("--max-cost", max_cost, "The most US dollars to spend")->type_name("DOLLARS");
  command.add_option("--max-tokens", max_tokens, "The most tokens to spend")->type_name("N");
  command.add_option("--max-calls", max_calls, "The most calls of language models")->type_name("N");
  command.add_option("--max-time", max_time, "The longest time from the job's start")->type_name("SECONDS");
  command.add_option("--judge", judge, "The model of metrics that judge")->type_name("PROVIDER/MODEL");
  command.add_flag("--estimate", estimate, "Only say what it would take");
  command.add_flag("--detach", detach, "Do not wait for the job's end");
  command.add_option("--html", html, "Write a report to this file at the end")->type_name("FILE.html");
}

v1::EvaluationSettings SettingsOf(const JobOptions& options) {
  v1::EvaluationSettings settings;
  settings.set_concurrency(options.concurrency);
  settings.set_max_errors(options.max_errors);
  if (options.example_timeout > 0) *settings.mutable_example_timeout() = ToDuration(options.example_timeout);
  return settings;
}

std::vector<v1::Budget> BudgetsOf(const JobOptions& options) {
  v1::Budget budget;
  budget.set_cost(options.max_cost);
  if (options.max_tokens > 0) budget.set_tokens(options.max_tokens);
  if (options.max_calls > 0) budget.set_lm_calls(options.max_calls);
  if (options.max_time > 0) *budget.mutable_time() = ToDuration(options.max_time);
  if (budget.ByteSizeLong() == 0) return {};
  return {budget};
}

std::string JobName(absl::string_view id) {
  return absl::StartsWith(id, "jobs/") ? std::string(id) : absl::StrCat("jobs/", id);
}

}  // namespace dspex::cli
