#include "engine/base/waiter.h"

#include <gtest/gtest.h>

#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/cancellation_signal.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/this_coro.hpp>
#include <optional>
#include <thread>

namespace dspex {
namespace {

using namespace std::chrono_literals;

class WaiterTest : public ::testing::Test {
 protected:
  /// Begins to wait `times` times, one after the other; the last result is kept.
  void Start(TimePoint deadline = kNoDeadline, int times = 1) {
    asio::co_spawn(
        io_, WaitTimes(waiter_, deadline, times),
        asio::bind_cancellation_slot(cancel_.slot(), [this](const std::exception_ptr& exception, absl::Status status) {
          EXPECT_FALSE(exception);
          result_ = std::move(status);
        }));
    RunReady();
  }
  void RunReady() {
    io_.restart();
    io_.poll();
  }

  asio::io_context io_{1};
  const std::shared_ptr<Waiter> waiter_ = std::make_shared<Waiter>(io_.get_executor());
  asio::cancellation_signal cancel_;
  std::optional<absl::Status> result_;

 private:
  static StatusTask WaitTimes(std::shared_ptr<Waiter> waiter, TimePoint deadline, int times) {
    co_await asio::this_coro::throw_if_cancelled(false);
    absl::Status status;
    for (int i = 0; i < times; ++i) status = co_await waiter->Wait(deadline);
    co_return status;
  }
};

TEST_F(WaiterTest, SleepsUntilItIsWoken) {
  Start(Clock::now() + 1h);
  EXPECT_FALSE(result_.has_value());
  waiter_->Wake();
  EXPECT_FALSE(result_.has_value()) << "who wakes may hold a mutex";
  RunReady();
  EXPECT_EQ(result_, absl::OkStatus());
  EXPECT_TRUE(waiter_->woken());
}

TEST_F(WaiterTest, DoesNotSleepWhenItWasWokenBefore) {
  waiter_->Wake();
  waiter_->Wake();
  Start();
  EXPECT_EQ(result_, absl::OkStatus());
}

TEST_F(WaiterTest, WokenHereTheCoroutineGoesOnAtOnce) {
  Start(Clock::now() + 1h);
  bool at_once = false;
  asio::post(io_, [this, &at_once] {
    waiter_->WakeHere();
    at_once = result_.has_value();
    waiter_->WakeHere();
    waiter_->Wake();
  });
  RunReady();
  EXPECT_TRUE(at_once);
  EXPECT_EQ(result_, absl::OkStatus());
}

TEST_F(WaiterTest, AnotherThreadMayWake) {
  Start();
  std::thread([this] { waiter_->Wake(); }).join();
  RunReady();
  EXPECT_EQ(result_, absl::OkStatus());
}

TEST_F(WaiterTest, TheDeadlineEndsTheWait) {
  Start(Clock::now() - 1ms);
  EXPECT_EQ(result_->code(), absl::StatusCode::kDeadlineExceeded);
  EXPECT_FALSE(waiter_->woken());
}

TEST_F(WaiterTest, TheCancellationEndsTheWait) {
  Start();
  cancel_.emit(asio::cancellation_type::terminal);
  RunReady();
  EXPECT_EQ(result_->code(), absl::StatusCode::kCancelled);
}

TEST_F(WaiterTest, AWaitThatBeginsAfterTheCancellationEndsAtOnce) {
  Start(kNoDeadline, 3);
  cancel_.emit(asio::cancellation_type::terminal);
  RunReady();
  EXPECT_EQ(result_->code(), absl::StatusCode::kCancelled);
}

TEST_F(WaiterTest, OfAWakeAndACancellationAtOnceTheCancellationCounts) {
  Start(Clock::now() + 1h);
  cancel_.emit(asio::cancellation_type::terminal);
  waiter_->Wake();
  RunReady();
  EXPECT_EQ(result_->code(), absl::StatusCode::kCancelled);
  EXPECT_TRUE(waiter_->woken()) << "it hands on what it was given";
}

TEST_F(WaiterTest, AnUncancelledWaitLeavesTheCancellationToTheNext) {
  const auto wait = [](std::shared_ptr<Waiter> waiter, std::shared_ptr<Waiter> next, bool& woken) -> StatusTask {
    co_await asio::this_coro::throw_if_cancelled(false);
    co_await waiter->WaitUncancelled();
    woken = waiter->woken();
    const absl::Status status = co_await next->Wait(kNoDeadline);
    co_return status;
  };
  bool woken = false;
  asio::co_spawn(io_, wait(waiter_, std::make_shared<Waiter>(io_.get_executor()), woken),
                 asio::bind_cancellation_slot(
                     cancel_.slot(), [this](const std::exception_ptr&, absl::Status status) { result_ = status; }));
  RunReady();
  cancel_.emit(asio::cancellation_type::terminal);
  RunReady();
  EXPECT_FALSE(woken);
  EXPECT_FALSE(result_.has_value());
  waiter_->Wake();
  RunReady();
  EXPECT_TRUE(woken);
  EXPECT_EQ(result_->code(), absl::StatusCode::kCancelled);
}

TEST(AbandonedWaiterTest, GoesWithItsIoContextAndSoDoesTheCoroutine) {
  const auto held = std::make_shared<int>();
  const auto wait = [](std::shared_ptr<Waiter> waiter, std::shared_ptr<int>) -> StatusTask {
    co_return co_await waiter->Wait(kNoDeadline);
  };
  {
    asio::io_context io(1);
    auto waiter = std::make_shared<Waiter>(io.get_executor());
    asio::co_spawn(io, wait(waiter, held), asio::detached);
    io.poll();
    EXPECT_GT(held.use_count(), 1);
  }
  EXPECT_EQ(held.use_count(), 1);
}

}  // namespace
}  // namespace dspex
