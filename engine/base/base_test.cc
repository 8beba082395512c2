#include <gtest/gtest.h>

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <random>
#include <thread>
#include <vector>

#include "engine/base/context.h"
#include "engine/base/error.h"
#include "engine/base/run_all.h"
#include "engine/base/semaphore.h"
#include "engine/base/waiter.h"
#include "google/rpc/error_details.pb.h"
#include "google/rpc/status.pb.h"

namespace dspex {
namespace {

using namespace std::chrono_literals;

StatusTask Sleep(std::chrono::microseconds duration) {
  asio::steady_timer timer(co_await asio::this_coro::executor, duration);
  auto [ec] = co_await timer.async_wait(asio::as_tuple(asio::use_awaitable));
  if (ec) co_return absl::CancelledError("");
  co_return absl::OkStatus();
}

StatusTask Rooted(StatusTask task) {
  co_await asio::this_coro::throw_if_cancelled(false);
  co_return co_await std::move(task);
}

/// Runs a task to its end on a thread's own io_context; `cancel_after` cancels it.
absl::Status Drive(StatusTask task, std::optional<std::chrono::milliseconds> cancel_after = std::nullopt) {
  asio::io_context io(1);
  absl::Status result = absl::UnknownError("did not end");
  asio::cancellation_signal cancel;
  asio::steady_timer timer(io);
  if (cancel_after.has_value()) {
    timer.expires_after(*cancel_after);
    timer.async_wait([&cancel](auto ec) {
      if (!ec) cancel.emit(asio::cancellation_type::terminal);
    });
  }
  asio::co_spawn(io, Rooted(std::move(task)),
                 asio::bind_cancellation_slot(cancel.slot(), [&](std::exception_ptr exception, absl::Status status) {
                   EXPECT_FALSE(exception);
                   result = std::move(status);
                   timer.cancel();
                 }));
  io.run();
  return result;
}

StatusTask MeetOthers(std::shared_ptr<Waiter> mine, std::shared_ptr<Waiter> other) {
  other->Wake();
  co_return co_await mine->Wait(Clock::now() + 60s);
}

StatusTask TwoThatWaitForEachOther() {
  const auto first = std::make_shared<Waiter>(co_await asio::this_coro::executor);
  const auto second = std::make_shared<Waiter>(co_await asio::this_coro::executor);
  std::vector<StatusTask> tasks;
  tasks.push_back(MeetOthers(first, second));
  tasks.push_back(MeetOthers(second, first));
  co_return co_await RunAll(std::move(tasks));
}

TEST(RunAllTest, RunsSideBySide) { EXPECT_TRUE(Drive(TwoThatWaitForEachOther()).ok()); }

StatusTask Fail(std::string message) { co_return absl::AbortedError(message); }

StatusTask FailLater(std::string message) {
  const absl::Status slept = co_await Sleep(1ms);
  (void)slept;
  co_return absl::AbortedError(message);
}

TEST(RunAllTest, TheFirstErrorCancelsTheOthersAndIsTheResult) {
  std::vector<StatusTask> tasks;
  tasks.push_back(Sleep(1h));
  tasks.push_back(FailLater("first"));
  tasks.push_back(Sleep(1h));
  EXPECT_EQ(Drive(RunAll(std::move(tasks))), absl::AbortedError("first"));
}

TEST(RunAllTest, AnErrorBeforeTheFirstSuspensionEndsAllToo) {
  std::vector<StatusTask> tasks;
  tasks.push_back(Sleep(1h));
  tasks.push_back(Fail("at once"));
  tasks.push_back(Sleep(1h));
  EXPECT_EQ(Drive(RunAll(std::move(tasks))), absl::AbortedError("at once"));
}

TEST(RunAllTest, OfNothingIsOk) { EXPECT_TRUE(Drive(RunAll({})).ok()); }

StatusTask Count(int& ended) {
  const absl::Status slept = co_await Sleep(1h);
  ++ended;
  co_return slept;
}

TEST(RunAllTest, TheCallersCancellationReachesAllAndIsWaitedFor) {
  int ended = 0;
  std::vector<StatusTask> tasks;
  for (int i = 0; i < 10; ++i) tasks.push_back(Count(ended));
  EXPECT_TRUE(absl::IsCancelled(Drive(RunAll(std::move(tasks)), 5ms)));
  EXPECT_EQ(ended, 10);
}

StatusTask Hold(Semaphore& semaphore, std::vector<int>& order, int index, TimePoint deadline) {
  absl::StatusOr<Semaphore::Permit> permit = co_await semaphore.Acquire(deadline);
  if (!permit.ok()) co_return permit.status();
  order.push_back(index);
  const absl::Status slept = co_await Sleep(1ms);
  (void)slept;
  co_return absl::OkStatus();
}

TEST(SemaphoreTest, GivesPermitsInOrderOfArrival) {
  Semaphore semaphore(1);
  std::vector<int> order;
  std::vector<StatusTask> tasks;
  for (int i = 0; i < 20; ++i) tasks.push_back(Hold(semaphore, order, i, kNoDeadline));
  EXPECT_TRUE(Drive(RunAll(std::move(tasks))).ok());
  for (int i = 0; i < 20; ++i) EXPECT_EQ(order[i], i);
}

TEST(SemaphoreTest, AWaitEndsAtItsDeadlineOrCancellationAndLosesNoPermit) {
  Semaphore semaphore(1);
  ASSERT_TRUE(semaphore.TryAcquire());
  {
    Semaphore::Permit held(&semaphore);
    std::vector<int> order;
    EXPECT_TRUE(absl::IsDeadlineExceeded(Drive(Hold(semaphore, order, 0, Clock::now() + 5ms))));
    EXPECT_TRUE(absl::IsCancelled(Drive(Hold(semaphore, order, 0, kNoDeadline), 5ms)));
    EXPECT_TRUE(order.empty());
  }
  EXPECT_TRUE(semaphore.TryAcquire());
}

TEST(SemaphoreTest, HoldsItsBoundAcrossThreadsUnderCancellation) {
  const unsigned seed = std::random_device{}();
  SCOPED_TRACE(testing::Message() << "seed " << seed);
  Semaphore semaphore(3);
  std::atomic<int> inside{0};
  std::atomic<int> most{0};
  std::vector<std::thread> threads;
  for (unsigned t = 0; t < 4; ++t) {
    threads.emplace_back([&, t] {
      std::mt19937 random(seed + t);
      for (int i = 0; i < 300; ++i) {
        auto body = [](Semaphore& s, std::atomic<int>& in, std::atomic<int>& peak, TimePoint deadline) -> StatusTask {
          absl::StatusOr<Semaphore::Permit> permit = co_await s.Acquire(deadline);
          if (!permit.ok()) co_return permit.status();
          const int now = ++in;
          int seen = peak.load();
          while (now > seen && !peak.compare_exchange_weak(seen, now)) {
          }
          const absl::Status slept = co_await Sleep(50us);
          --in;
          co_return slept;
        };
        const TimePoint deadline = Clock::now() + std::chrono::microseconds(random() % 200);
        std::vector<StatusTask> tasks;
        for (int k = 0; k < 4; ++k) tasks.push_back(body(semaphore, inside, most, deadline));
        const absl::Status status = Drive(RunAll(std::move(tasks)));
        EXPECT_TRUE(status.ok() || absl::IsDeadlineExceeded(status) || absl::IsCancelled(status)) << status;
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_LE(most, 3);
  EXPECT_TRUE(semaphore.TryAcquire());
  EXPECT_TRUE(semaphore.TryAcquire());
  EXPECT_TRUE(semaphore.TryAcquire());
  EXPECT_FALSE(semaphore.TryAcquire());
}

TEST(RequestRecordTest, ProviderTimeIsTheUnionOfTheAttempts) {
  RequestRecord record;
  const TimePoint t{};
  record.attempts = {{t + 10ms, t + 20ms}, {t, t + 5ms}, {t + 15ms, t + 30ms}, {t + 16ms, t + 18ms}};
  EXPECT_EQ(record.ProviderTime(), 25ms);
}

TEST(RequestContextTest, AChildsDeadlineOnlyComesEarlierAndItsNodeHasAParent) {
  RequestRecord record;
  record.keep_trace = true;
  const TimePoint now = Clock::now();
  const RequestContext root(record, now + 1s);
  const RequestContext child = root.Child("step", now + 10s);
  EXPECT_EQ(child.deadline(), now + 1s);
  const RequestContext grandchild = child.Child("lm", now + 500ms);
  EXPECT_EQ(grandchild.deadline(), now + 500ms);
  ASSERT_EQ(record.trace.size(), 2u);
  EXPECT_EQ(record.trace[1].parent, 0);
  EXPECT_EQ(record.trace[1].name, "lm");
}

TEST(ErrorTest, CarriesItsDetails) {
  const absl::Status status = Error(absl::StatusCode::kInvalidArgument, "SOME_REASON", "What. Do this.")
                                  .With("position", 7)
                                  .RetryAfter(1500ms)
                                  .Violation("signature", "bad");
  EXPECT_EQ(ErrorReason(status), "SOME_REASON");
  EXPECT_EQ(ErrorMetadata(status, "position"), "7");
  EXPECT_EQ(ErrorMetadata(WithMetadata(status, "field", "x"), "field"), "x");
  const google::rpc::Status rpc = ToRpcStatus(WithFieldPrefix(status, "modules[0].predict"));
  EXPECT_EQ(rpc.code(), 3);
  ASSERT_EQ(rpc.details_size(), 3);
  for (const auto& detail : rpc.details()) {
    google::rpc::BadRequest bad_request;
    google::rpc::RetryInfo retry;
    if (detail.UnpackTo(&bad_request)) {
      EXPECT_EQ(bad_request.field_violations(0).field(), "modules[0].predict.signature");
    }
    if (detail.UnpackTo(&retry)) {
      EXPECT_EQ(retry.retry_delay().seconds(), 1);
      EXPECT_EQ(retry.retry_delay().nanos(), 500'000'000);
    }
  }
}

}  // namespace
}  // namespace dspex
