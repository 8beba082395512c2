#include "engine/evaluate/evaluator.h"

#include <absl/strings/str_cat.h>

#include <algorithm>

#include "engine/base/error.h"
#include "engine/base/reasons.h"
#include "engine/base/run_all.h"
#include "engine/evaluate/obstacle.h"
#include "engine/lm/lane.h"

namespace dspex {

namespace {

// A call that takes too long is tried so often in all while others go through.
constexpr int kTimeouts = 3;

absl::Status TooManyFailures(int failures, const absl::Status& last) {
  return Error(absl::StatusCode::kFailedPrecondition, reason::kTooManyFailures,
               absl::StrCat(failures, " predictions failed, which is max_errors; the last one: ", last.message(),
                            " Correct the program, the data or the metric, or raise max_errors."))
      .With("failures", failures)
      .With("reason", ErrorReason(last));
}

bool IsForWantOfCapacity(const absl::Status& obstacle) {
  return absl::IsResourceExhausted(obstacle) || ErrorReason(obstacle) == reason::kProviderOverloaded;
}

}  // namespace

/// One call of EvaluateCandidate.
struct Evaluator::Run {
  const RequestContext& context;
  const CandidateRun& candidate;
  std::shared_ptr<const Program> program;
  Sampling call;
  std::vector<ExampleOutcome> outcomes;
  /// Of outcomes: known from the log.
  std::vector<bool> known;
  std::size_t next = 0;
  int failures = 0;
  /// BUDGET_SPENT once it is: no example is begun any more, and what is under way and paid for ends by itself.
  absl::Status stopped = absl::OkStatus();
};

struct Evaluator::Attempt {
  Score score;
  Prediction prediction;
  ModuleTrace trace;
  absl::Status status;
  Usage usage;
  Clock::duration duration{};
};

Task<std::vector<ExampleOutcome>> Evaluator::EvaluateCandidate(RequestContext context, const CandidateRun& candidate) {
  absl::StatusOr<std::shared_ptr<const Program>> program = parts_.make_program(candidate.teacher, candidate.parameters);
  if (!program.ok()) co_return program.status();
  Run run{.context = context,
          .candidate = candidate,
          .program = *std::move(program),
          .call = Merge(options_.call, candidate.call),
          .outcomes = {},
          .known = {}};
  const std::int64_t count =
      candidate.indices.has_value() ? static_cast<std::int64_t>(candidate.indices->size()) : candidate.examples->size();
  run.outcomes.resize(static_cast<std::size_t>(count));
  run.known.resize(run.outcomes.size());
  for (std::size_t i = 0; i < run.outcomes.size(); ++i) {
    run.outcomes[i].index = candidate.indices.has_value() ? (*candidate.indices)[i] : static_cast<std::int64_t>(i);
  }
  if (parts_.observer != nullptr) parts_.observer->OnRun(candidate, count);
  const absl::Status recalled = co_await Recall(run);
  if (!recalled.ok()) co_return recalled;
  std::vector<StatusTask> workers;
  const std::size_t side_by_side = std::min(run.outcomes.size(), static_cast<std::size_t>(options_.concurrency));
  for (std::size_t i = 0; i < side_by_side; ++i) workers.push_back(Work(run));
  const absl::Status done = co_await RunAll(std::move(workers));
  if (!done.ok()) co_return done;
  if (!run.stopped.ok()) co_return run.stopped;
  co_return std::move(run.outcomes);
}

// With traces a program that went well is run once more: the journal of its calls answers.
StatusTask Evaluator::Recall(Run& run) {
  if (parts_.log == nullptr) co_return absl::OkStatus();
  absl::StatusOr<std::vector<ScoreLog::Past>> past = co_await parts_.log->Load(run.candidate);
  if (!past.ok()) co_return past.status();
  std::sort(past->begin(), past->end(), [](const auto& a, const auto& b) { return a.index < b.index; });
  for (std::size_t i = 0; i < run.outcomes.size(); ++i) {
    ExampleOutcome& outcome = run.outcomes[i];
    const auto found = std::lower_bound(past->begin(), past->end(), outcome.index,
                                        [](const auto& entry, std::int64_t index) { return entry.index < index; });
    if (found == past->end() || found->index != outcome.index) continue;
    if (run.candidate.capture_traces && !found->failed) continue;
    run.known[i] = true;
    outcome.score = found->score;
    if (found->failed) outcome.status = absl::UnknownError("It failed when the job ran before.");
    const absl::Status counted = Count(run, outcome);
    if (!counted.ok()) co_return counted;
  }
  co_return absl::OkStatus();
}

StatusTask Evaluator::Work(Run& run) {
  while (run.stopped.ok() && run.next < run.outcomes.size()) {
    const std::size_t place = run.next++;
    if (run.known[place]) continue;
    const absl::Status scored = co_await ScoreOne(run, place);
    if (ErrorReason(scored) == reason::kBudgetSpent) {
      run.stopped = scored;
    } else if (!scored.ok()) {
      co_return scored;
    }
  }
  co_return absl::OkStatus();
}

StatusTask Evaluator::ScoreOne(Run& run, std::size_t place) {
  ExampleOutcome& outcome = run.outcomes[place];
  absl::StatusOr<Example> example = co_await run.candidate.examples->Get(outcome.index);
  if (!example.ok()) co_return example.status();
  absl::StatusOr<Attempt> attempt = co_await Try(run, *example, outcome.index);
  if (!attempt.ok()) co_return attempt.status();
  outcome.status = attempt->status;
  outcome.score = attempt->status.ok() ? attempt->score.value : options_.failure_score;
  if (run.candidate.capture_traces) {
    outcome.outputs = attempt->prediction.outputs;
    outcome.trace = std::move(attempt->trace);
  }
  if (parts_.log != nullptr) {
    ExampleRecord record{.index = outcome.index,
                         .example_id = std::move(example->id),
                         .score = outcome.score,
                         .feedback = std::move(attempt->score.feedback),
                         .outputs = std::move(attempt->prediction.outputs),
                         .status = outcome.status,
                         .usage = attempt->usage,
                         .duration = attempt->duration};
    const absl::Status kept = co_await parts_.log->Add(run.candidate, std::move(record));
    if (!kept.ok()) co_return kept;
  }
  co_return Count(run, outcome);
}

absl::Status Evaluator::Count(Run& run, const ExampleOutcome& outcome) const {
  if (parts_.observer != nullptr) parts_.observer->OnScored(run.candidate, outcome);
  // Optimizers count the failures of what they try themselves.
  if (outcome.status.ok() || run.candidate.capture_traces || options_.max_errors < 0) return absl::OkStatus();
  if (++run.failures < options_.max_errors) return absl::OkStatus();
  return TooManyFailures(run.failures, outcome.status);
}

// The result is what came of the example, a failure too; an error ends the run.
Task<Evaluator::Attempt> Evaluator::Try(const Run& run, const Example& example, std::int64_t index) {
  int timeouts = 0;
  while (true) {
    const absl::Status entered = co_await pace_.Enter();
    if (!entered.ok()) co_return entered;
    const std::int64_t passed_before = passed_;
    Attempt attempt;
    attempt.status = co_await TryOnce(run, example, index, attempt);
    pace_.Leave();
    Blame blame = attempt.status.ok() ? Blame::kExample : BlameFor(attempt.status);
    if (blame == Blame::kRun) co_return attempt.status;
    if (blame == Blame::kTimeout && (passed_ > passed_before && ++timeouts >= kTimeouts)) blame = Blame::kExample;
    if (blame == Blame::kExample) {
      if (attempt.status.ok()) {
        ++passed_;
        pace_.Speed();
      }
      parts_.gate->Passed();
      co_return std::move(attempt);
    }
    if (IsForWantOfCapacity(attempt.status)) pace_.Slow();
    const absl::Status waited = co_await parts_.gate->Wait(attempt.status);
    if (!waited.ok()) co_return waited;
  }
}

StatusTask Evaluator::TryOnce(const Run& run, const Example& example, std::int64_t index, Attempt& attempt) {
  RequestRecord record;
  record.request_id = run.context.record().request_id;
  record.tenant = run.context.record().tenant;
  lm::Lane lane(absl::StrCat(run.candidate.lane, "/", index));
  record.lane = &lane;
  if (run.candidate.capture_traces) record.calls = &attempt.trace;
  RequestContext context(record, std::min(run.context.deadline(), record.start + options_.example_timeout));
  Json inputs = InputsOf(example, run.candidate.examples->input_keys());
  absl::StatusOr<Prediction> prediction = co_await run.program->Forward(context, std::move(inputs), run.call);
  absl::Status status = prediction.status();
  if (prediction.ok()) {
    attempt.prediction = *std::move(prediction);
    attempt.score.value = 1;
    if (parts_.metric != nullptr) {
      const Scored scored{.example = example,
                          .prediction = attempt.prediction,
                          .trace = run.candidate.capture_traces ? &attempt.trace : nullptr};
      absl::StatusOr<Score> score = co_await parts_.metric->Evaluate(context, scored);
      status = score.status();
      if (score.ok()) attempt.score = *std::move(score);
    }
  }
  attempt.usage = record.charged;
  attempt.duration = Clock::now() - record.start;
  co_return status;
}

}  // namespace dspex
