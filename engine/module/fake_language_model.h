#pragma once

#include <absl/status/statusor.h>
#include <absl/strings/str_cat.h>
#include <absl/strings/string_view.h>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/io_context.hpp>
#include <deque>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "engine/base/context.h"
#include "engine/base/task.h"
#include "engine/lm/delta.h"
#include "engine/lm/language_model.h"

namespace dspex {

/// A language model that gives scripted answers in turn and keeps what it was asked. For one thread.
class FakeLanguageModel final : public lm::LanguageModel {
 public:
  void Answer(std::string text, lm::FinishReason finish_reason = lm::FinishReason::kStop) {
    lm::Response response;
    response.completions.push_back({std::move(text), {}, finish_reason});
    response.usage = {.input_tokens = 11, .output_tokens = 7, .lm_calls = 1};
    response.model = "fake-2024";
    response.provider_request_id = "req-1";
    Answer(std::move(response));
  }
  void Answer(absl::StatusOr<lm::Response> response) { answers_.push_back(std::move(response)); }

  Task<lm::Response> Generate(RequestContext context, const lm::Request& request) override {
    deadlines.push_back(context.deadline());
    requests.push_back(request);
    if (answers_.empty()) co_return absl::InternalError("the script has no more answers");
    absl::StatusOr<lm::Response> answer = std::move(answers_.front());
    answers_.pop_front();
    if (context.deltas() != nullptr) {
      absl::Status put = co_await PutInto(*context.deltas(), answer.ok() ? answer->completions.front() : before_error);
      if (!put.ok()) co_return put;
    }
    co_return answer;
  }

  absl::StatusOr<lm::RenderedRequest> Render(const lm::Request& request) const override {
    lm::RenderedRequest rendered{"fake://model", ""};
    for (const auto* messages : {&request.prefix->messages(), &request.turns}) {
      for (const lm::Message& message : *messages) {
        absl::StrAppend(&rendered.body, "<", RoleName(message.role), ">\n",
                        std::get<lm::TextPart>(message.parts[0]).text, "\n");
      }
    }
    return rendered;
  }

  const std::string& name() const override { return name_; }
  lm::Capabilities capabilities() const override { return {}; }

  /// What a stream gives before an error.
  lm::Completion before_error;

  std::vector<lm::Request> requests;
  std::vector<TimePoint> deadlines;

 private:
  // Text a few bytes at a time.
  static StatusTask PutInto(lm::DeltaSink& sink, const lm::Completion& completion) {
    std::vector<lm::Delta> deltas;
    if (completion.reasoning.has_value()) deltas.emplace_back(lm::ReasoningDelta{*completion.reasoning});
    for (std::size_t at = 0; at < completion.text.size(); at += 5) {
      deltas.emplace_back(lm::TextDelta{completion.text.substr(at, 5)});
    }
    for (const lm::ToolCallPart& call : completion.tool_calls) {
      deltas.emplace_back(lm::ToolCallDelta{0, call.id, call.name, call.arguments});
    }
    for (lm::Delta& delta : deltas) {
      absl::Status taken = co_await sink.Take(std::move(delta));
      if (!taken.ok()) co_return taken;
    }
    co_return absl::OkStatus();
  }

  static absl::string_view RoleName(lm::Role role) {
    return role == lm::Role::kSystem ? "system" : role == lm::Role::kUser ? "user" : "assistant";
  }

  const std::string name_ = "fake/model";
  std::deque<absl::StatusOr<lm::Response>> answers_;
};

/// Finds one model, "fake/model"; any other name is an unknown provider's.
class FakeLanguageModels final : public lm::LanguageModels {
 public:
  absl::StatusOr<std::shared_ptr<lm::LanguageModel>> Find(absl::string_view name) override {
    asked.emplace_back(name);
    if (name != model->name()) return absl::FailedPreconditionError(absl::StrCat("no provider for ", name));
    return std::shared_ptr<lm::LanguageModel>(model);
  }

  std::shared_ptr<FakeLanguageModel> model = std::make_shared<FakeLanguageModel>();
  std::vector<std::string> asked;
};

/// Runs a task to its end on this thread.
template <typename T>
absl::StatusOr<T> RunTask(Task<T> task) {
  asio::io_context io;
  std::optional<absl::StatusOr<T>> result;
  asio::co_spawn(io, std::move(task), [&result](const std::exception_ptr& exception, absl::StatusOr<T> value) {
    result = exception ? absl::StatusOr<T>(absl::InternalError("exception")) : std::move(value);
  });
  io.run();
  return *std::move(result);
}

}  // namespace dspex
