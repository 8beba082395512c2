#include "server/job/job_report.h"

#include <absl/time/clock.h>
#include <google/protobuf/util/time_util.h>

#include <algorithm>
#include <iterator>
#include <nlohmann/json.hpp>
#include <utility>

#include "engine/base/error.h"
#include "engine/base/reasons.h"
#include "engine/program/struct_json.h"

namespace dspex {

namespace {

constexpr Clock::duration kBetweenWrites = std::chrono::milliseconds(200);
constexpr Clock::duration kBetweenProgressEvents = std::chrono::seconds(1);

v1::Candidate ToProto(const TriedCandidate& tried) {
  v1::Candidate candidate;
  candidate.set_number(tried.number);
  candidate.set_origin(tried.origin);
  if (tried.score.has_value()) candidate.set_score(*tried.score);
  for (const PredictorParameters& parameters : tried.parameters) {
    v1::ModuleParameters& module = *candidate.add_parameters();
    module.set_module(parameters.module);
    module.set_instructions(parameters.instructions);
    module.set_prefix(parameters.prefix);
    for (const Json& demo : parameters.demos) module.add_demos()->set_fields_json(JsonText(demo));
  }
  return candidate;
}

}  // namespace

void JobReport::Expect(std::int64_t predictions, int candidates) {
  expected_predictions_ = predictions;
  progress_.set_candidates_total(candidates);
}

void JobReport::Changed() {
  changed_ = true;
  if (waiter_ != nullptr && !pausing_) waiter_->Wake();
}

// A few writes a second are enough, unless it is something to act on.
StatusTask JobReport::Pause() {
  waiter_ = std::make_shared<Waiter>(executor_);
  pausing_ = true;
  const absl::Status paused = co_await waiter_->Wait(Clock::now() + kBetweenWrites);
  pausing_ = false;
  co_return absl::IsDeadlineExceeded(paused) ? absl::OkStatus() : paused;
}

void JobReport::OnPhase(absl::string_view phase) {
  progress_.set_phase(std::string(phase));
  Changed();
}

void JobReport::OnCandidate(const TriedCandidate& tried) {
  v1::Candidate candidate = ToProto(tried);
  const auto scored = scored_.find(tried.number);
  if (scored != scored_.end()) candidate.set_scored(scored->second);
  if (tried.score.has_value()) progress_.set_candidates_scored(progress_.candidates_scored() + 1);
  NewJobEvent event;
  event.ordinal = ++ordinal_;
  *event.event.mutable_candidate() = candidate;
  // Events are read by people: parameters are listed with the candidates.
  event.event.mutable_candidate()->clear_parameters();
  pending_.events.push_back(std::move(event));
  pending_.candidates.push_back(std::move(candidate));
  Changed();
}

void JobReport::OnDecision(absl::string_view example_id, int candidate, absl::string_view verdict,
                           absl::string_view why) {
  NewJobEvent event;
  event.ordinal = ++ordinal_;
  v1::Decision& decision = *event.event.mutable_decision();
  decision.set_example(std::string(example_id));
  decision.set_candidate(candidate);
  decision.set_verdict(std::string(verdict));
  decision.set_why(std::string(why));
  pending_.events.push_back(std::move(event));
  Changed();
}

void JobReport::OnRun(const CandidateRun&, std::int64_t total) {
  score_sum_ = 0;
  score_count_ = 0;
  progress_.set_total(progress_.total() + total);
  Changed();
}

void JobReport::OnScored(const CandidateRun& run, const ExampleOutcome& outcome) {
  score_sum_ += outcome.score;
  progress_.set_score(100 * score_sum_ / static_cast<double>(++score_count_));
  if (run.candidate >= 0) ++scored_[run.candidate];
  progress_.set_scored(progress_.scored() + 1);
  ++fresh_;
  Changed();
}

void JobReport::OnGate(const absl::Status& obstacle) {
  pending_.state = obstacle.ok() ? v1::JOB_STATE_RUNNING : v1::JOB_STATE_WAITING;
  pending_.waiting_for.Clear();
  if (!obstacle.ok()) pending_.waiting_for = ToRpcStatus(obstacle);
  changed_ = true;
  if (waiter_ != nullptr) waiter_->Wake();
}

void JobReport::Finish(v1::JobProgress& progress) const {
  progress.set_total(std::max(progress.total(), expected_predictions_));
  if (fresh_ == 0 || progress.scored() >= progress.total()) return;
  const double seconds = absl::ToDoubleSeconds(absl::FromChrono(Clock::now() - began_));
  const double left = seconds / static_cast<double>(fresh_) * static_cast<double>(progress.total() - progress.scored());
  *progress.mutable_expected_end_time() =
      google::protobuf::util::TimeUtil::NanosecondsToTimestamp(absl::ToUnixNanos(absl::Now() + absl::Seconds(left)));
}

JobUpdate JobReport::Take() {
  changed_ = false;
  JobUpdate update = std::exchange(pending_, JobUpdate());
  v1::JobProgress progress = progress_;
  Finish(progress);
  update.spending = budgets_.spending();
  const TimePoint now = Clock::now();
  if (now - told_ >= kBetweenProgressEvents) {
    told_ = now;
    *update.events.emplace_back().event.mutable_progress() = progress;
    for (const v1::Spending& spending : *update.spending) {
      if (spending.line() != v1::BUDGET_LINE_UNSPECIFIED) continue;
      *update.events.emplace_back().event.mutable_spending() = spending;
    }
  }
  update.progress = std::move(progress);
  return update;
}

void JobReport::PutBack(JobUpdate update) {
  changed_ = true;
  if (!pending_.state.has_value()) {
    pending_.state = update.state;
    pending_.waiting_for = std::move(update.waiting_for);
  }
  std::move(pending_.candidates.begin(), pending_.candidates.end(), std::back_inserter(update.candidates));
  std::move(pending_.events.begin(), pending_.events.end(), std::back_inserter(update.events));
  pending_.candidates = std::move(update.candidates);
  pending_.events = std::move(update.events);
}

JobUpdate JobReport::TakeRest() { return Take(); }

StatusTask JobReport::Run() {
  while (!stopped_) {
    waiter_ = std::make_shared<Waiter>(executor_);
    if (!changed_) {
      const absl::Status waited = co_await waiter_->Wait(kNoDeadline);
      if (!waited.ok()) co_return waited;
      continue;
    }
    JobUpdate update = Take();
    const absl::Status written = co_await store_.Update(claim_, update);
    if (!written.ok()) {
      if (ErrorReason(written) != reason::kDiskFull && ErrorReason(written) != reason::kOverloaded) co_return written;
      PutBack(std::move(update));
    }
    if (stopped_) break;
    const absl::Status paused = co_await Pause();
    if (!paused.ok()) co_return paused;
  }
  co_return absl::OkStatus();
}

void JobReport::Stop() {
  stopped_ = true;
  if (waiter_ != nullptr) waiter_->Wake();
}

}  // namespace dspex
