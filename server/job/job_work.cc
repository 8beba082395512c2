#include "server/job/job_work.h"

#include <absl/strings/str_cat.h>

#include <algorithm>
#include <nlohmann/json.hpp>

#include "engine/base/error.h"
#include "engine/base/proto_duration.h"
#include "engine/evaluate/statistics.h"
#include "engine/metric/make_metric.h"
#include "engine/program/build_module.h"
#include "engine/program/struct_json.h"
#include "server/program/resource_name.h"
#include "server/service/digest.h"
#include "server/service/usage_proto.h"

namespace dspex {

namespace {

constexpr int kDefaultConcurrency = 8;
constexpr int kDefaultMaxErrors = 10;

v1::ExampleResult ToProto(const ExampleRecord& record, int repeat) {
  v1::ExampleResult result;
  result.set_example(record.example_id);
  result.set_repeat(repeat);
  result.set_score(record.score);
  result.set_feedback(record.feedback);
  if (!record.outputs.is_null()) result.set_outputs_json(JsonText(record.outputs));
  if (!record.status.ok()) *result.mutable_error() = ToRpcStatus(record.status);
  WriteUsage(record.usage, *result.mutable_usage());
  WriteDuration(record.duration, *result.mutable_duration());
  return result;
}

}  // namespace

Task<std::vector<ScoreLog::Past>> JobScoreLog::Load(const CandidateRun& run) {
  if (!calls_.resumed) co_return std::vector<Past>();
  // One at a time where demonstrations are bootstrapped: each of these runs is of one example, and all have one lane.
  std::int64_t first = 0;
  std::int64_t last = run.examples->size() - 1;
  if (run.indices.has_value() && !run.indices->empty()) {
    const auto [least, most] = std::minmax_element(run.indices->begin(), run.indices->end());
    first = *least;
    last = *most;
  }
  absl::StatusOr<std::vector<JournalScore>> scores =
      co_await calls_.journal->ReadScores(calls_.job, run.lane, first, last);
  if (!scores.ok()) co_return scores.status();
  std::vector<Past> past;
  past.reserve(scores->size());
  for (const JournalScore& score : *scores) past.push_back({score.index, score.score, score.failed});
  co_return past;
}

StatusTask JobScoreLog::Add(const CandidateRun& run, ExampleRecord record) {
  const absl::Status same = calls_.EndLane(absl::StrCat(run.lane, "/", record.index));
  if (!same.ok()) co_return same;
  const v1::ExampleResult result = ToProto(record, run.repeat);
  co_return co_await KeepWhenThereIsRoom(
      *calls_.gate, [&] { return calls_.journal->AppendResult(calls_.job, run.lane, record.index, result); });
}

ProgramEnvironment JobWork::In(lm::LanguageModels& models) const {
  ProgramEnvironment in = environment.programs_in;
  in.language_models = &models;
  in.default_lm = job.pins().default_lm();
  return in;
}

Task<v1::Program> ReadProgram(const JobEnvironment& environment, std::string tenant, const std::string& name) {
  absl::StatusOr<ProgramName> parsed = ParseProgramName(name, "program");
  if (!parsed.ok()) co_return parsed.status();
  co_return co_await environment.programs->Get(std::move(tenant), std::move(parsed->id), std::move(parsed->selector));
}

v1::Program WithModel(v1::Program program, const std::string& lm) {
  if (lm.empty()) return program;
  program.set_lm(lm);
  for (v1::Module& module : *program.mutable_modules()) module.clear_lm();
  return program;
}

Task<PinnedExamples> ReadExamples(const JobEnvironment& environment, std::string tenant, const v1::ExampleSet& set) {
  absl::StatusOr<DatasetName> name = ParseDatasetName(set.dataset(), "dataset");
  if (!name.ok()) co_return name.status();
  co_return co_await OpenExamples(*environment.datasets, *environment.orders, std::move(tenant), *std::move(name),
                                  set.split(), set.limit());
}

absl::StatusOr<std::shared_ptr<const Metric>> ReadMetric(const v1::Metric& metric, const v1::Program& program,
                                                         const Program& built, ProgramEnvironment judges,
                                                         const std::string& judge_lm) {
  if (metric.kind_case() == v1::Metric::KIND_NOT_SET) return std::shared_ptr<const Metric>();
  MetricEnvironment environment{
      .program = &program, .outputs = built.OutputNames(), .judges = std::move(judges), .judge_lm = judge_lm};
  absl::StatusOr<std::shared_ptr<const Metric>> made = MakeMetric(metric, environment);
  if (!made.ok()) return WithFieldPrefix(made.status(), "metric");
  return made;
}

v1::Lineage LineageOf(const v1::Job& job, int candidate) {
  const v1::CompileSpec& spec = job.compile();
  v1::Lineage lineage;
  lineage.set_job(job.name());
  lineage.set_parent(spec.program());
  lineage.set_optimizer(v1::CompileSpec::descriptor()->FindFieldByNumber(spec.optimizer_case())->name());
  lineage.set_trainset(spec.trainset().dataset());
  if (spec.metric().kind_case() != v1::Metric::KIND_NOT_SET) {
    lineage.set_metric(v1::Metric::descriptor()->FindFieldByNumber(spec.metric().kind_case())->name());
  }
  lineage.set_candidate(candidate);
  return lineage;
}

long long RolloutBase(const std::string& job_id) {
  const std::string digest = Sha256(job_id);
  long long base = 0;
  for (int i = 0; i < 5; ++i) base = base * 256 + static_cast<unsigned char>(digest[static_cast<std::size_t>(i)]);
  return base * 1000;
}

Evaluator::Options ReadEvaluation(const v1::EvaluationSettings& settings) {
  Evaluator::Options options;
  options.concurrency = settings.concurrency() == 0 ? kDefaultConcurrency : settings.concurrency();
  if (settings.has_example_timeout()) options.example_timeout = ReadDuration(settings.example_timeout());
  options.failure_score = settings.failure_score();
  options.max_errors = settings.max_errors() == 0 ? kDefaultMaxErrors : settings.max_errors();
  options.call = ReadSampling(settings.options());
  return options;
}

void WriteInterval(const ConfidenceInterval& interval, v1::Interval& proto) {
  proto.set_low(interval.low);
  proto.set_high(interval.high);
}

std::string EvaluateLane(int repeat) { return absl::StrCat("evaluate/", repeat); }

std::string JournalName(absl::string_view tenant, absl::string_view job_id) {
  return absl::StrCat(tenant, "/", job_id);
}

v1::EvaluateResult Summarize(const std::vector<ExampleOutcome>& outcomes) {
  v1::EvaluateResult result;
  result.set_score(PercentScore(outcomes));
  result.set_count(static_cast<std::int64_t>(outcomes.size()));
  result.set_failures(std::count_if(outcomes.begin(), outcomes.end(), [](const auto& o) { return !o.status.ok(); }));
  std::vector<double> scores;
  scores.reserve(outcomes.size());
  for (const ExampleOutcome& outcome : outcomes) scores.push_back(100 * outcome.score);
  WriteInterval(MeanInterval(scores), *result.mutable_interval());
  return result;
}

}  // namespace dspex
