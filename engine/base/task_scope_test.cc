#include "engine/base/task_scope.h"

#include <gtest/gtest.h>

#include <atomic>
#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>
#include <future>
#include <stdexcept>
#include <thread>

#include "engine/base/waiter.h"

namespace dspex {
namespace {

using namespace std::chrono_literals;

class TaskScopeTest : public ::testing::Test {
 protected:
  ~TaskScopeTest() override {
    work_.reset();
    thread_.join();
  }
  /// Ends when it is cancelled.
  StatusTask Sleeper() {
    const auto waiter = std::make_shared<Waiter>(io_.get_executor());
    const absl::Status slept = co_await waiter->Wait(kNoDeadline);
    cancelled_ += absl::IsCancelled(slept) ? 1 : 0;
    co_return slept;
  }
  bool Start() { return scope_.Spawn(io_.get_executor(), Sleeper()) != nullptr; }

  asio::io_context io_{1};
  asio::executor_work_guard<asio::io_context::executor_type> work_ = asio::make_work_guard(io_);
  std::thread thread_{[this] { io_.run(); }};
  TaskScope scope_;
  std::atomic<int> cancelled_{0};
};

TEST_F(TaskScopeTest, CancelsAndJoinsWhatItOwnsAndRefusesWhatComesLater) {
  for (int i = 0; i < 10; ++i) EXPECT_TRUE(Start());
  EXPECT_FALSE(scope_.Join(Clock::now() + 5ms));
  scope_.CancelAll();
  EXPECT_TRUE(scope_.Join(Clock::now() + 10s));
  EXPECT_EQ(cancelled_, 10);
  EXPECT_FALSE(Start());
}

TEST_F(TaskScopeTest, CancelsOne) {
  const std::shared_ptr<RunningTask> task = scope_.Spawn(io_.get_executor(), Sleeper());
  ASSERT_TRUE(Start());
  task->Cancel();
  while (cancelled_ == 0) std::this_thread::yield();
  EXPECT_FALSE(scope_.Join(Clock::now() + 5ms)) << "the other goes on";
  task->Cancel();
  scope_.CancelAll();
  EXPECT_TRUE(scope_.Join(Clock::now() + 10s));
  EXPECT_EQ(cancelled_, 2);
}

TEST_F(TaskScopeTest, CancelsWhatIsAboutToStart) {
  std::atomic<bool> go{false};
  asio::post(io_, [&go] {
    while (!go) std::this_thread::yield();
  });
  ASSERT_TRUE(Start());
  scope_.CancelAll();
  go = true;
  EXPECT_TRUE(scope_.Join(Clock::now() + 10s));
  EXPECT_EQ(cancelled_, 1);
}

TEST_F(TaskScopeTest, BeginsAtOnceWhereTheCallerIs) {
  std::promise<bool> began;
  const auto begin = [](bool& flag) -> StatusTask {
    flag = true;
    co_return absl::OkStatus();
  };
  asio::post(io_, [&] {
    bool flag = false;
    scope_.Spawn(io_.get_executor(), begin(flag));
    began.set_value(flag);
  });
  EXPECT_TRUE(began.get_future().get());
  EXPECT_TRUE(scope_.Join(Clock::now() + 10s));
}

TEST_F(TaskScopeTest, AnExceptionEndsTheTask) {
  const auto fail = []() -> StatusTask {
    throw std::runtime_error("a defect");
    co_return absl::OkStatus();
  };
  ASSERT_NE(scope_.Spawn(io_.get_executor(), fail()), nullptr);
  EXPECT_TRUE(scope_.Join(Clock::now() + 10s));
}

}  // namespace
}  // namespace dspex
