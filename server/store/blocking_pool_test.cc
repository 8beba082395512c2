#include "server/store/blocking_pool.h"

#include <gtest/gtest.h>

#include <atomic>
#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/cancellation_signal.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <memory>
#include <optional>
#include <thread>

#include "engine/base/mutex.h"
#include "google/rpc/error_details.pb.h"
#include "google/rpc/status.pb.h"
#include "server/store/store_testing.h"

namespace dspex {
namespace {

TEST(BlockingPoolTest, RunsElsewhereAndResumesOnTheCallersExecutor) {
  TestPool io(1);
  BlockingPool pool({});
  struct Threads {
    std::thread::id before, work, after;
  };
  const auto run = [](BlockingPool& blocking) -> Task<Threads> {
    Threads threads;
    threads.before = std::this_thread::get_id();
    std::function<absl::StatusOr<std::thread::id>()> work = [] { return std::this_thread::get_id(); };
    absl::StatusOr<std::thread::id> worked = co_await blocking.Run<std::thread::id>(std::move(work));
    if (!worked.ok()) co_return worked.status();
    threads.work = *worked;
    threads.after = std::this_thread::get_id();
    co_return threads;
  };
  const absl::StatusOr<Threads> threads = io.Await(run(pool));
  ASSERT_TRUE(threads.ok()) << threads.status();
  EXPECT_NE(threads->work, threads->before);
  EXPECT_EQ(threads->after, threads->before);
}

TEST(BlockingPoolTest, HandsOnErrors) {
  TestPool io;
  BlockingPool pool({});
  const auto result = io.Await(pool.Run<int>([] { return absl::DataLossError("gone"); }));
  EXPECT_EQ(result.status(), absl::DataLossError("gone"));
}

TEST(BlockingPoolTest, RefusesWhatDoesNotFitItsQueue) {
  TestPool io;
  BlockingPool pool({.threads = 1, .max_queued = 1});
  auto started = std::make_shared<Notification>();
  auto release = std::make_shared<Notification>();
  auto running = io.Start(pool.Run<int>([started, release] {
    started->Notify();
    release->Wait();
    return 1;
  }));
  started->Wait();
  // One may wait; of two more one is refused, whichever comes second.
  auto one = io.Start(pool.Run<int>([] { return 2; }));
  auto two = io.Start(pool.Run<int>([] { return 2; }));
  while (one.wait_for(std::chrono::seconds(0)) != std::future_status::ready &&
         two.wait_for(std::chrono::seconds(0)) != std::future_status::ready) {
    std::this_thread::yield();
  }
  const bool one_was_refused = one.wait_for(std::chrono::seconds(0)) == std::future_status::ready;
  const absl::Status refused = (one_was_refused ? one : two).get().status();
  EXPECT_EQ(refused.code(), absl::StatusCode::kResourceExhausted);
  EXPECT_EQ(ErrorReason(refused), reason::kOverloaded);
  EXPECT_EQ(ErrorMetadata(refused, "limit"), "1");
  bool has_retry_info = false;
  const google::rpc::Status rpc_status = ToRpcStatus(refused);
  for (const auto& detail : rpc_status.details()) has_retry_info |= detail.Is<google::rpc::RetryInfo>();
  EXPECT_TRUE(has_retry_info);
  release->Notify();
  EXPECT_EQ(*running.get(), 1);
  EXPECT_EQ(*(one_was_refused ? two : one).get(), 2);
}

// The waiter goes at once; the work ends later, with all it uses still there.
TEST(BlockingPoolTest, ACancelledWaiterDoesNotWaitAndTheWorkGoesOn) {
  asio::io_context io;
  auto release = std::make_shared<Notification>();
  auto finished = std::make_shared<std::atomic<bool>>(false);
  absl::StatusOr<int> result = 0;
  {
    BlockingPool pool({.threads = 1});
    asio::cancellation_signal cancel;
    const auto root = [](BlockingPool& blocking, std::function<absl::StatusOr<int>()> work) -> Task<int> {
      co_await asio::this_coro::throw_if_cancelled(false);
      co_return co_await blocking.Run<int>(std::move(work));
    };
    auto started = std::make_shared<Notification>();
    std::function<absl::StatusOr<int>()> work = [started, release, finished] {
      started->Notify();
      release->Wait();
      *finished = true;
      return 1;
    };
    bool ended = false;
    asio::co_spawn(io, root(pool, std::move(work)),
                   asio::bind_cancellation_slot(cancel.slot(), [&](std::exception_ptr, absl::StatusOr<int> r) {
                     result = std::move(r);
                     ended = true;
                   }));
    io.poll();
    started->Wait();
    cancel.emit(asio::cancellation_type::terminal);
    io.restart();
    io.poll();
    EXPECT_TRUE(ended);
    EXPECT_FALSE(*finished);
    release->Notify();
  }
  // The pool's destructor has joined its threads.
  EXPECT_TRUE(*finished);
  EXPECT_EQ(result.status().code(), absl::StatusCode::kCancelled);
  EXPECT_EQ(ErrorReason(result.status()), reason::kCancelled);
}

TEST(BlockingPoolTest, FinishesWhatIsQueuedBeforeItDies) {
  asio::io_context io;
  std::vector<int> results;
  {
    BlockingPool pool({.threads = 1});
    auto release = std::make_shared<Notification>();
    std::function<absl::StatusOr<int>()> work = [release] {
      release->Wait();
      return 7;
    };
    for (int i = 0; i < 50; ++i) {
      asio::co_spawn(io, pool.Run<int>(work),
                     [&results](std::exception_ptr, absl::StatusOr<int> r) { results.push_back(r.value_or(0)); });
    }
    io.poll();
    EXPECT_TRUE(results.empty());
    release->Notify();
  }
  io.restart();
  io.poll();
  EXPECT_EQ(results, std::vector<int>(50, 7));
}

}  // namespace
}  // namespace dspex
