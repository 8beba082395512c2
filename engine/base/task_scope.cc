#include "engine/base/task_scope.h"

#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/this_coro.hpp>
#include <exception>
#include <utility>

#include "engine/base/error.h"
#include "engine/base/mutex.h"
#include "engine/base/reasons.h"

namespace dspex {

struct TaskScope::State {
  struct Entry {
    explicit Entry(asio::any_io_executor e) : executor(std::move(e)) {}
    asio::any_io_executor executor;
    asio::cancellation_signal cancel;
  };

  Mutex mutex;
  CondVar ended;
  bool closed ABSL_GUARDED_BY(mutex) = false;
  std::list<std::shared_ptr<Entry>> running ABSL_GUARDED_BY(mutex);
};

namespace {
// The frame keeps `body`, to whose captures the task may refer.
StatusTask Run(std::function<StatusTask()> body) {
  co_await asio::this_coro::throw_if_cancelled(false);
  co_return co_await body();
}
}  // namespace

TaskScope::TaskScope() : state_(std::make_shared<State>()) {}
TaskScope::~TaskScope() = default;

bool TaskScope::Spawn(asio::any_io_executor executor, std::function<StatusTask()> body,
                      std::function<void(absl::Status)> on_end) {
  auto entry = std::make_shared<State::Entry>(executor);
  {
    MutexLock lock(&state_->mutex);
    if (state_->closed) return false;
    state_->running.push_back(entry);
  }
  auto ended = [state = state_, entry, on_end = std::move(on_end)](std::exception_ptr exception, absl::Status status) {
    if (exception) status = Error(absl::StatusCode::kInternal, reason::kInternal, "A background task failed.");
    if (on_end) on_end(std::move(status));
    MutexLock lock(&state->mutex);
    state->running.remove(entry);
    state->ended.NotifyAll();
  };
  // Posted, so that the cancellation signal is only touched on the executor.
  asio::post(executor, [executor, entry, body = std::move(body), ended = std::move(ended)]() mutable {
    asio::co_spawn(executor, Run(std::move(body)),
                   asio::bind_cancellation_slot(entry->cancel.slot(), std::move(ended)));
  });
  return true;
}

void TaskScope::CancelAll() {
  std::list<std::shared_ptr<State::Entry>> running;
  {
    MutexLock lock(&state_->mutex);
    state_->closed = true;
    running = state_->running;
  }
  for (const auto& entry : running) {
    asio::post(entry->executor, [entry] { entry->cancel.emit(asio::cancellation_type::terminal); });
  }
}

bool TaskScope::Join(TimePoint deadline) {
  MutexLock lock(&state_->mutex);
  while (!state_->running.empty()) {
    if (!state_->ended.WaitUntil(&state_->mutex, deadline)) return state_->running.empty();
  }
  return true;
}

}  // namespace dspex
