#include "server/job/job_models.h"

#include <absl/strings/str_cat.h>

#include <optional>
#include <utility>

#include "engine/base/error.h"
#include "engine/base/reasons.h"
#include "engine/evaluate/obstacle.h"
#include "engine/lm/lane.h"
#include "providers/decorators/decorator.h"

namespace dspex {

namespace {

/// A call that another part of the job can count on: made at most once, and kept.
class JobModel final : public Decorator {
 public:
  JobModel(std::shared_ptr<lm::LanguageModel> inner, JobCalls& calls, v1::BudgetLine line)
      : Decorator(std::move(inner)), calls_(calls), line_(line), digester_(name()) {}

  Task<lm::Response> Generate(RequestContext context, const lm::Request& request) override {
    lm::Lane& lane = *context.record().lane;
    const RequestDigest digest = digester_.Of(context, request);
    std::pair<std::string, int> key(std::string(digest.begin(), digest.end()), 0);
    key.second = lane.NextOccurrence(key.first);
    absl::StatusOr<JobCalls::LaneState*> state = co_await StateOf(lane.name());
    if (!state.ok()) co_return state.status();
    const auto known = (*state)->answers.find(key);
    if (known != (*state)->answers.end()) {
      (*state)->not_asked_for.erase(key);
      if (known->second.ok()) context.record().charged.Add(known->second->usage);
      co_return known->second;
    }
    (*state)->went_on = true;
    LmAnswer answer = co_await Send(context, request);
    if (!IsToBeKept(answer.status())) co_return answer;
    const absl::Status kept = co_await Keep(lane.name(), key, answer);
    if (!kept.ok()) co_return kept;
    co_return answer;
  }

 private:
  static bool IsToBeKept(const absl::Status& status) {
    return status.ok() || (BlameFor(status) == Blame::kExample && !absl::IsDeadlineExceeded(status));
  }

  Task<JobCalls::LaneState*> StateOf(const std::string& lane) {
    JobCalls::LaneState* state = &calls_.lanes[lane];
    if (state->loaded || !calls_.resumed) co_return state;
    absl::StatusOr<Semaphore::Permit> turn = co_await state->loading.Acquire(kNoDeadline);
    if (!turn.ok()) co_return turn.status();
    if (state->loaded) co_return state;
    absl::StatusOr<std::vector<JournalAnswer>> answers = co_await calls_.journal->ReadLane(calls_.job, lane);
    if (!answers.ok()) co_return answers.status();
    for (JournalAnswer& answer : *answers) {
      std::pair<std::string, int> key(std::move(answer.digest), answer.occurrence);
      state->not_asked_for.insert(key);
      state->answers.try_emplace(std::move(key), std::move(answer.answer));
    }
    state->loaded = true;
    co_return state;
  }

  // A record of its own, so that what this call consumed is known.
  Task<lm::Response> Send(RequestContext context, const lm::Request& request) {
    const absl::Status open = co_await calls_.gate->Open();
    if (!open.ok()) co_return open;
    const absl::Status reserved = co_await calls_.budgets->Reserve(line_);
    if (!reserved.ok()) co_return reserved;
    RequestRecord record;
    record.request_id = context.record().request_id;
    record.tenant = context.record().tenant;
    record.pricing = calls_.pricing;
    RequestContext call(record, context.deadline());
    call.set_sample(context.sample());
    ++calls_.sent;
    absl::StatusOr<lm::Response> response = co_await inner().Generate(call, request);
    calls_.budgets->Settle(line_, record.charged);
    context.record().Merge(record);
    co_return response;
  }

  StatusTask Keep(const std::string& lane, const std::pair<std::string, int>& key, const LmAnswer& answer) {
    calls_.lanes[lane].answers.try_emplace(key, answer);
    co_return co_await KeepWhenThereIsRoom(
        *calls_.gate, [&] { return calls_.journal->AppendAnswer(calls_.job, lane, key.first, key.second, answer); });
  }

  JobCalls& calls_;
  const v1::BudgetLine line_;
  RequestDigester digester_;
};

}  // namespace

absl::Status JobCalls::EndLane(const std::string& lane) {
  const auto state = lanes.find(lane);
  if (state == lanes.end()) return absl::OkStatus();
  const bool went_on = state->second.went_on;
  const std::size_t not_asked_for = state->second.not_asked_for.size();
  lanes.erase(state);
  if (!went_on || not_asked_for == 0) return absl::OkStatus();
  return Error(absl::StatusCode::kInternal, reason::kReplayDiverged,
               absl::StrCat("The job was taken up again and asks for other calls than before: in ", lane, " ",
                            not_asked_for,
                            " of the answers that it has were not asked for. It stops before it pays "
                            "twice. Start a new job."))
      .With("lane", lane);
}

absl::StatusOr<std::shared_ptr<lm::LanguageModel>> JobLanguageModels::Find(absl::string_view name) {
  absl::StatusOr<std::shared_ptr<lm::LanguageModel>> model = models_.Find(name);
  if (!model.ok()) return model;
  return std::make_shared<JobModel>(*std::move(model), calls_, line_);
}

}  // namespace dspex
