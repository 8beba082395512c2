#include <absl/strings/str_cat.h>

#include <algorithm>
#include <utility>
#include <vector>

#include "engine/base/proto_duration.h"
#include "engine/evaluate/statistics.h"
#include "server/job/job_work.h"

namespace dspex {

namespace {

/// Runs the examples `repeats` times. What was scored so far is in `outcomes` when it ends with an error.
StatusTask RunRepeats(JobWork& work, Evaluator& evaluator, const Examples& examples,
                      std::vector<std::vector<ExampleOutcome>>& outcomes) {
  const v1::EvaluateSpec& spec = work.job.evaluate();
  const int repeats = std::max(1, spec.repeats());
  for (int repeat = 0; repeat < repeats; ++repeat) {
    CandidateRun run;
    run.lane = EvaluateLane(repeat);
    run.examples = &examples;
    run.candidate = 0;
    run.repeat = repeat;
    // One time's answers are not another's, nor those of an earlier job.
    if (repeats > 1) run.call.options.rollout_id = RolloutBase(work.claim.id) + repeat;
    if (repeats > 1) work.report.OnPhase(absl::StrCat("evaluate ", repeat + 1, "/", repeats));
    absl::StatusOr<std::vector<ExampleOutcome>> scored = co_await evaluator.EvaluateCandidate(work.context, run);
    if (!scored.ok()) co_return scored.status();
    outcomes.push_back(*std::move(scored));
  }
  co_return absl::OkStatus();
}

v1::EvaluateResult SummarizeRepeats(const std::vector<std::vector<ExampleOutcome>>& repeats) {
  std::vector<ExampleOutcome> all;
  std::vector<double> scores;
  for (const std::vector<ExampleOutcome>& outcomes : repeats) {
    scores.push_back(PercentScore(outcomes));
    for (const ExampleOutcome& outcome : outcomes) {
      all.push_back(
          {.index = outcome.index, .score = outcome.score, .status = outcome.status, .outputs = {}, .trace = {}});
    }
  }
  v1::EvaluateResult result = Summarize(all);
  if (repeats.size() < 2) return result;
  result.mutable_repeat_scores()->Add(scores.begin(), scores.end());
  result.set_repeat_deviation(StandardDeviation(scores));
  return result;
}

}  // namespace

Task<JobEnd> RunEvaluate(JobWork& work) {
  const v1::EvaluateSpec& spec = work.job.evaluate();
  const std::string& tenant = work.claim.tenant;
  absl::StatusOr<v1::Program> stored = co_await ReadProgram(work.environment, tenant, spec.program());
  if (!stored.ok()) co_return stored.status();
  const v1::Program definition = WithModel(*std::move(stored), spec.lm());
  absl::StatusOr<std::shared_ptr<const Program>> program = Program::Create(definition, work.In(work.task_models));
  if (!program.ok()) co_return program.status();
  absl::StatusOr<PinnedExamples> examples = co_await ReadExamples(work.environment, tenant, spec.examples());
  if (!examples.ok()) co_return examples.status();
  absl::StatusOr<std::shared_ptr<const Metric>> metric =
      ReadMetric(spec.metric(), definition, **program, work.In(work.judge_models), spec.judge_lm());
  if (!metric.ok()) co_return metric.status();

  work.report.Expect(examples->examples->size() * std::max(1, spec.repeats()), 0);
  work.report.OnPhase("evaluate");
  Evaluator evaluator(ReadEvaluation(spec.settings()),
                      {.make_program = [&program](bool, const ProgramParameters&) { return *program; },
                       .metric = *metric,
                       .gate = work.calls.gate,
                       .log = &work.log,
                       .observer = &work.report});
  const TimePoint began = Clock::now();
  std::vector<std::vector<ExampleOutcome>> outcomes;
  const absl::Status ran = co_await RunRepeats(work, evaluator, *examples->examples, outcomes);
  if (!ran.ok()) co_return ran;
  JobEnd end;
  v1::EvaluateResult& result = *end.last.result.emplace().mutable_evaluate_result();
  result = SummarizeRepeats(outcomes);
  WriteDuration(Clock::now() - began, *result.mutable_duration());
  co_return end;
}

}  // namespace dspex
