#include "engine/module/ask.h"

#include <absl/strings/str_cat.h>

#include <utility>

#include "engine/base/run_all.h"
#include "engine/module/completion_end.h"

namespace dspex {

namespace {

StatusTask AskOnce(RequestContext call, lm::LanguageModel& model, const lm::Request& request, lm::Response& into) {
  absl::StatusOr<lm::Response> response = co_await model.Generate(call, request);
  NoteAnswer(call, response);
  if (!response.ok()) co_return response.status();
  into = *std::move(response);
  co_return absl::OkStatus();
}

}  // namespace

void NoteAnswer(const RequestContext& call, const absl::StatusOr<lm::Response>& response) {
  TraceNode* node = call.EndNode();
  if (node == nullptr || !response.ok()) return;
  node->usage = response->usage;
  node->from_cache = response->from_cache;
  node->model = response->model;
  node->provider_request_id = response->provider_request_id;
  if (response->completions.empty()) return;
  const lm::Completion& completion = response->completions.front();
  node->completion = completion.text;
  if (!CheckEnd(completion.finish_reason).ok()) {
    node->reason = absl::StrCat("finish_reason: ", FinishReasonName(completion.finish_reason));
  }
}

StatusTask Ask(const RequestContext& context, lm::LanguageModel& model, const lm::Request& request,
               std::vector<lm::Response>& responses) {
  std::vector<StatusTask> calls;
  calls.reserve(responses.size());
  for (lm::Response& response : responses) {
    RequestContext call = context.Child("lm");
    call.set_sample(static_cast<int>(calls.size()));
    calls.push_back(AskOnce(call, model, request, response));
  }
  if (calls.size() == 1) co_return co_await std::move(calls.front());
  co_return co_await RunAll(std::move(calls));
}

}  // namespace dspex
