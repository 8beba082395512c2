#include "engine/base/task_scope.h"

#include <absl/cleanup/cleanup.h>
#include <absl/container/flat_hash_set.h>

#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/dispatch.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/this_coro.hpp>
#include <exception>
#include <utility>

#include "engine/base/mutex.h"

namespace dspex {

struct TaskScope::State {
  Mutex mutex;
  CondVar ended;
  bool closed ABSL_GUARDED_BY(mutex) = false;
  absl::flat_hash_set<std::shared_ptr<RunningTask>> running ABSL_GUARDED_BY(mutex);

  static asio::awaitable<void> Run(std::shared_ptr<State> state, std::shared_ptr<RunningTask> running,
                                   StatusTask task) {
    // However it ends. What the task holds is gone by then.
    const absl::Cleanup end = [&state, &running] {
      MutexLock lock(&state->mutex);
      state->running.erase(running);
      if (state->running.empty()) state->ended.NotifyAll();
    };
    // Otherwise a cancelled await would throw.
    co_await asio::this_coro::throw_if_cancelled(false);
    [[maybe_unused]] const absl::Status ended = co_await std::move(task);
  }
};

RunningTask::RunningTask(asio::any_io_executor executor) : executor_(std::move(executor)) {}

void RunningTask::Cancel() {
  asio::post(executor_, [self = shared_from_this()] {
    self->cancelled_ = true;
    self->signal_.emit(asio::cancellation_type::terminal);
  });
}

TaskScope::TaskScope() : state_(std::make_shared<State>()) {}
TaskScope::~TaskScope() = default;

std::shared_ptr<RunningTask> TaskScope::Spawn(const asio::any_io_executor& executor, StatusTask task) {
  auto running = std::make_shared<RunningTask>(executor);
  {
    MutexLock lock(&state_->mutex);
    if (state_->closed) return nullptr;
    state_->running.insert(running);
  }
  asio::dispatch(executor, [running, task = State::Run(state_, running, std::move(task))]() mutable {
    // Behind the task's end co_spawn still touches the signal.
    auto keep_signal = [running](const std::exception_ptr&) {};
    asio::co_spawn(running->executor_, std::move(task),
                   asio::bind_cancellation_slot(running->signal_.slot(), std::move(keep_signal)));
    // A signal reaches nobody before that.
    if (running->cancelled_) running->signal_.emit(asio::cancellation_type::terminal);
  });
  return running;
}

void TaskScope::CancelAll() {
  MutexLock lock(&state_->mutex);
  state_->closed = true;
  for (const auto& task : state_->running) task->Cancel();
}

bool TaskScope::Join(TimePoint deadline) {
  MutexLock lock(&state_->mutex);
  while (!state_->running.empty()) {
    if (!state_->ended.WaitUntil(&state_->mutex, deadline)) return state_->running.empty();
  }
  return true;
}

}  // namespace dspex
