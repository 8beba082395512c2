#pragma once

#include <absl/status/statusor.h>

#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/cancellation_signal.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/this_coro.hpp>
#include <deque>
#include <exception>
#include <functional>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "engine/base/error.h"
#include "engine/lm/delta.h"
#include "engine/lm/language_model.h"
#include "providers/decorators/virtual_time.h"

/// What the tests of decorators share.
namespace dspex::testing_support {

/// A model that does for each call what the test says, in turn; the last for all further ones. For one thread.
class ScriptedModel final : public lm::LanguageModel {
 public:
  using Answer = std::function<Task<lm::Response>(RequestContext)>;

  explicit ScriptedModel(TimeSource& time) : time_(time) {}

  ScriptedModel& Then(Answer answer) {
    answers_.push_back(std::move(answer));
    return *this;
  }
  ScriptedModel& Then(absl::StatusOr<lm::Response> response) {
    return Then([response](RequestContext) -> Task<lm::Response> { co_return response; });
  }
  /// Answers after a time.
  ScriptedModel& ThenAfter(Clock::duration delay, absl::StatusOr<lm::Response> response) {
    return Then([this, delay, response](RequestContext) -> Task<lm::Response> {
      absl::Status slept = co_await time_.SleepUntil(time_.Now() + delay);
      if (!slept.ok()) co_return slept;
      co_return response;
    });
  }

  Task<lm::Response> Generate(RequestContext context, const lm::Request&) override {
    called_at.push_back(time_.Now());
    const Answer answer = answers_.front();
    if (answers_.size() > 1) answers_.pop_front();
    absl::StatusOr<lm::Response> response = co_await answer(context);
    co_return response;
  }
  absl::StatusOr<lm::RenderedRequest> Render(const lm::Request&) const override { return lm::RenderedRequest{}; }
  const std::string& name() const override { return name_; }
  lm::Capabilities capabilities() const override { return {}; }

  std::vector<TimePoint> called_at;

 private:
  TimeSource& time_;
  std::string name_ = "scripted/model";
  std::deque<Answer> answers_;
};

/// A response of one completion.
inline lm::Response TextResponse(std::string text) {
  lm::Response response;
  response.completions.push_back({.text = std::move(text)});
  return response;
}

/// The request of one turn.
inline lm::Request TextRequest(std::string text) {
  lm::Request request;
  request.turns.push_back(lm::Message::Text(lm::Role::kUser, std::move(text)));
  return request;
}

/// Keeps what it is given; committed from the first piece on.
class KeepingSink final : public lm::DeltaSink {
 public:
  StatusTask Take(lm::Delta delta) override {
    deltas.push_back(std::move(delta));
    co_return absl::OkStatus();
  }
  bool committed() const override { return !deltas.empty(); }

  std::vector<lm::Delta> deltas;
};

struct CallOptions {
  TimePoint deadline = kNoDeadline;
  std::string tenant = "default";
  lm::Request request = {};
  lm::DeltaSink* deltas = nullptr;
  int sample = 0;
  AttemptBudget* attempts = nullptr;
};

/// Runs what is ready; time stands still.
inline void RunReady(asio::io_context& io) {
  io.restart();
  while (io.poll() > 0) {
  }
}

/// A call whose result is there once the io_context has run.
class Call {
 public:
  Call(asio::io_context& io, lm::LanguageModel& model, TimePoint deadline = kNoDeadline)
      : Call(io, model, CallOptions{.deadline = deadline}) {}
  Call(asio::io_context& io, lm::LanguageModel& model, CallOptions options) : request_(std::move(options.request)) {
    record_.tenant = options.tenant;
    RequestContext context(record_, options.deadline);
    context.set_deltas(options.deltas);
    context.set_sample(options.sample);
    context.set_attempts(options.attempts);
    asio::co_spawn(io, Run(model, context, request_),
                   asio::bind_cancellation_slot(
                       cancel_.slot(), [this](const std::exception_ptr&, absl::StatusOr<lm::Response> response) {
                         result_ = std::move(response);
                       }));
  }
  void Cancel() { cancel_.emit(asio::cancellation_type::terminal); }
  bool ended() const { return result_.has_value(); }
  const absl::StatusOr<lm::Response>& result() const { return *result_; }
  const RequestRecord& record() const { return record_; }

 private:
  // As the server runs calls.
  static Task<lm::Response> Run(lm::LanguageModel& model, RequestContext context, const lm::Request& request) {
    co_await asio::this_coro::throw_if_cancelled(false);
    absl::StatusOr<lm::Response> response = co_await model.Generate(context, request);
    co_return response;
  }

  RequestRecord record_;
  lm::Request request_;
  asio::cancellation_signal cancel_;
  std::optional<absl::StatusOr<lm::Response>> result_;
};

}  // namespace dspex::testing_support
