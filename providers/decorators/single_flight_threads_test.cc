#include <gtest/gtest.h>

#include <atomic>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <chrono>
#include <deque>
#include <random>
#include <string>
#include <thread>
#include <vector>

#include "engine/base/error.h"
#include "engine/base/reasons.h"
#include "providers/decorators/attempt_meter.h"
#include "providers/decorators/single_flight.h"
#include "providers/decorators/testing.h"

namespace dspex {
namespace {

using testing_support::TextRequest;
using testing_support::TextResponse;

class Deaf final : public AttemptObserver {
 public:
  void OnAttempt(const Attempt&) override {}
};

/// Answers after some turns of the event loop, whatever happens meanwhile. Thread-safe.
class BusyModel final : public lm::LanguageModel {
 public:
  Task<lm::Response> Generate(RequestContext, const lm::Request&) override {
    const int turns = 1 + ++calls_ % 20;
    for (int i = 0; i < turns; ++i) co_await asio::post(asio::use_awaitable);
    ++answered;
    co_return TextResponse("x");
  }
  absl::StatusOr<lm::RenderedRequest> Render(const lm::Request&) const override { return lm::RenderedRequest{}; }
  const std::string& name() const override { return name_; }
  lm::Capabilities capabilities() const override { return {}; }

  std::atomic<int> answered{0};

 private:
  const std::string name_ = "busy/model";
  std::atomic<int> calls_{0};
};

/// Calls one after the other, some with no time to wait; returns how many it paid for.
asio::awaitable<void> CallOften(lm::LanguageModel& model, unsigned seed, std::atomic<int>& paid) {
  co_await asio::this_coro::throw_if_cancelled(false);
  std::mt19937 random(seed);
  for (int i = 0; i < 300; ++i) {
    RequestRecord record;
    const lm::Request request = TextRequest(std::to_string(random() % 3));
    const TimePoint deadline =
        random() % 4 == 0 ? Clock::now() + std::chrono::microseconds(random() % 50) : kNoDeadline;
    const absl::StatusOr<lm::Response> response = co_await model.Generate(RequestContext(record, deadline), request);
    EXPECT_TRUE(response.ok() || ErrorReason(response.status()) == reason::kDeadlineExceeded) << response.status();
    paid += record.charged.lm_calls;
  }
}

TEST(SingleFlightThreadsTest, CallsOfSeveralThreadsMeet) {
  const auto seed = std::random_device()();
  SCOPED_TRACE(testing::Message() << "seed " << seed);
  SteadyTime time;
  Deaf observer;
  TaskScope scope;
  RequestDigester digester("chain");
  const auto busy = std::make_shared<BusyModel>();
  const auto model = NewSingleFlight(NewAttemptMeter(busy, observer), digester, scope, time);
  constexpr unsigned kThreads = 4;
  constexpr unsigned kCallers = 8;
  std::atomic<int> paid{0};
  std::deque<asio::io_context> contexts;
  std::vector<std::thread> threads;
  for (unsigned t = 0; t < kThreads; ++t) {
    asio::io_context& io = contexts.emplace_back(1);
    for (unsigned c = 0; c < kCallers; ++c) {
      asio::co_spawn(io, CallOften(*model, seed + t * kCallers + c, paid), asio::detached);
    }
  }
  for (asio::io_context& io : contexts) threads.emplace_back([&io] { io.run(); });
  for (std::thread& thread : threads) thread.join();
  EXPECT_TRUE(scope.Join(Clock::now()));
  EXPECT_EQ(paid, busy->answered);
  EXPECT_LT(busy->answered, static_cast<int>(kThreads * kCallers * 300));
}

}  // namespace
}  // namespace dspex
