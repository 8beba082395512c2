// The bridge without gRPC: a fake reactor that keeps gRPC's promises, so that TSan sees every thread of it.
#include "server/rpc/call.h"

#include <gtest/gtest.h>

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <functional>
#include <random>
#include <stdexcept>
#include <thread>
#include <vector>

#include "engine/base/error.h"
#include "engine/base/mutex.h"
#include "server/log/access_log.h"
#include "server/log/logger.h"
#include "server/metrics/metrics.h"

namespace dspex {
namespace {

using namespace std::chrono_literals;

struct Request {
  int value = 0;
  std::size_t bytes = 0;
  std::size_t ByteSizeLong() const { return bytes; }
};
struct Response {
  int value = 0;
};

/// Stands for gRPC's side of one call. As gRPC promises, OnDone comes once, after Finish and after every other reaction
/// has returned.
class FakeRpc {
 public:
  class Reactor {
   public:
    Reactor() : rpc_(next_) { rpc_->reactor_ = this; }
    virtual ~Reactor() = default;
    virtual void OnCancel() = 0;
    virtual void OnDone() = 0;
    virtual void OnWriteDone(bool) {}
    virtual void OnReadDone(bool) {}
    void Finish(const grpc::Status& status) { rpc_->End(status); }
    void StartWrite(const Response* response) { rpc_->on_write(response); }
    void StartRead(Request* request) { rpc_->on_read(request); }

   private:
    FakeRpc* const rpc_;
  };

  /// The next Reactor that this thread makes belongs to this.
  void Expect() { next_ = this; }

  /// Runs a reaction, unless the call has ended.
  void React(const std::function<void(Reactor&)>& reaction) {
    {
      MutexLock lock(&mutex_);
      if (finished_) return;
      ++reactions_;
    }
    reaction(*reactor_);
    Leave();
  }
  void Cancel() {
    React([](Reactor& reactor) { reactor.OnCancel(); });
  }

  const grpc::Status& Wait() {
    EXPECT_TRUE(done_.WaitFor(60s));
    return status_;
  }

  std::function<void(const Response*)> on_write;
  std::function<void(Request*)> on_read;
  std::function<void()> on_abort;

 private:
  void End(const grpc::Status& status) {
    {
      MutexLock lock(&mutex_);
      EXPECT_FALSE(finished_) << "Finish was called twice";
      finished_ = true;
      status_ = status;
      ++reactions_;
    }
    Leave();
  }
  void Leave() {
    {
      MutexLock lock(&mutex_);
      if (--reactions_ > 0 || !finished_) return;
    }
    reactor_->OnDone();
    done_.Notify();
  }

  static inline thread_local FakeRpc* next_ = nullptr;
  Mutex mutex_;
  bool finished_ = false;
  int reactions_ = 0;
  Reactor* reactor_ = nullptr;
  grpc::Status status_;
  Notification done_;
};

class CallTest : public testing::Test {
 protected:
  ~CallTest() override {
    // As the server: what is posted for a call is done before the threads stop.
    Notification idle;
    admission_.Close([&idle] { idle.Notify(); });
    EXPECT_TRUE(idle.WaitFor(60s));
    io_.Stop();
    EXPECT_EQ(admission_.in_flight(), 0);
  }

  template <typename Handler>
  void StartUnary(FakeRpc& rpc, Response& response, Handler handler) {
    static const Request request;
    ASSERT_TRUE(admission_.Enter(0).ok());
    rpc.Expect();
    new UnaryCall<FakeRpc::Reactor, Handler, Request, Response>(environment_, method_, CallStart{.request_id = "id-1"},
                                                                std::move(handler), &request, &response);
  }

  template <typename Handler>
  void StartStream(FakeRpc& rpc, Handler handler) {
    static const Request request;
    ASSERT_TRUE(admission_.Enter(0).ok());
    rpc.Expect();
    new ServerStreamCall<FakeRpc::Reactor, Handler, Request, Response>(
        environment_, method_, CallStart{.request_id = "id-1"}, std::move(handler), &request,
        [&rpc] { rpc.on_abort(); });
  }

  template <typename Handler>
  void StartClientStream(FakeRpc& rpc, Response& response, Handler handler) {
    ASSERT_TRUE(admission_.Enter(0).ok());
    rpc.Expect();
    new ClientStreamCall<FakeRpc::Reactor, Handler, Request, Response>(
        environment_, method_, CallStart{.request_id = "id-1"}, std::move(handler), &response,
        [&rpc] { rpc.on_abort(); });
  }

  Logger logger_{LogLevel::kOff};
  AccessLog access_log_{&logger_, true};
  Metrics metrics_;
  std::unique_ptr<MethodMetrics> method_metrics_ = metrics_.ForMethod("test.Service", "Method");
  Method method_{"test.Service", "Method", method_metrics_.get()};
  Admission admission_{{.calls = 100000, .bytes = 1000}};
  IoPool io_{2};
  CallEnvironment environment_{&io_, &admission_, &access_log_};
};

StatusTask Sleep(std::chrono::microseconds duration) {
  asio::steady_timer timer(co_await asio::this_coro::executor, duration);
  auto [ec] = co_await timer.async_wait(asio::as_tuple(asio::use_awaitable));
  if (ec) co_return absl::CancelledError("");
  co_return absl::OkStatus();
}

TEST_F(CallTest, Answers) {
  FakeRpc rpc;
  Response response;
  StartUnary(rpc, response, [](RequestContext context, const Request&, Response& r) -> StatusTask {
    r.value = context.record().request_id == "id-1" ? 7 : 0;
    co_return absl::OkStatus();
  });
  EXPECT_TRUE(rpc.Wait().ok());
  EXPECT_EQ(response.value, 7);
}

TEST_F(CallTest, ACancellationReachesTheAwaitedOperationAndCleanUpRuns) {
  FakeRpc rpc;
  Response response;
  Notification started;
  // NOLINTNEXTLINE(cppcoreguidelines-avoid-capturing-lambda-coroutines): the call object keeps the closure.
  StartUnary(rpc, response, [&started](RequestContext, const Request&, Response& r) -> StatusTask {
    started.Notify();
    const absl::Status slept = co_await Sleep(1h);
    const absl::Status again = co_await Sleep(1us);  // With Asio's default this would throw.
    r.value = again.ok() ? 1 : 2;
    co_return slept;
  });
  started.Wait();
  rpc.Cancel();
  EXPECT_EQ(rpc.Wait().error_code(), grpc::StatusCode::CANCELLED);
  EXPECT_EQ(response.value, 1);
}

TEST_F(CallTest, AnExceptionIsAnInternalErrorWithoutItsText) {
  FakeRpc rpc;
  Response response;
  StartUnary(rpc, response, [](RequestContext, const Request&, Response&) -> StatusTask {
    throw std::runtime_error("a detail");
    co_return absl::OkStatus();
  });
  EXPECT_EQ(rpc.Wait().error_code(), grpc::StatusCode::INTERNAL);
  EXPECT_EQ(rpc.Wait().error_message().find("a detail"), std::string::npos);
}

TEST_F(CallTest, CallsThatRaceWithTheirCancellationAllEnd) {
  const unsigned seed = std::random_device{}();
  SCOPED_TRACE(testing::Message() << "seed " << seed);
  std::mt19937 random(seed);
  constexpr int kCalls = 3000;
  std::vector<FakeRpc> rpcs(kCalls);
  std::vector<Response> responses(kCalls);
  for (int i = 0; i < kCalls; ++i) {
    const auto duration = std::chrono::microseconds(random() % 300);
    // NOLINTNEXTLINE(cppcoreguidelines-avoid-capturing-lambda-coroutines): the call object keeps the closure.
    StartUnary(rpcs[i], responses[i], [duration](RequestContext, const Request&, Response& r) -> StatusTask {
      const absl::Status status = co_await Sleep(duration);
      r.value = 1;
      co_return status;
    });
    if (random() % 2 == 0) rpcs[i].Cancel();
  }
  std::thread canceller([&rpcs] {
    for (FakeRpc& rpc : rpcs) rpc.Cancel();
  });
  for (int i = 0; i < kCalls; ++i) {
    rpcs[i].Wait();
    EXPECT_EQ(responses[i].value, 1);
  }
  canceller.join();
}

TEST_F(CallTest, WritesOneResponseAtATime) {
  FakeRpc rpc;
  std::vector<int> written;
  std::thread writer;
  rpc.on_write = [&](const Response* response) {
    if (writer.joinable()) writer.join();
    written.push_back(response->value);
    writer = std::thread([&rpc] { rpc.React([](FakeRpc::Reactor& reactor) { reactor.OnWriteDone(true); }); });
  };
  StartStream(rpc, [](RequestContext, const Request&, ResponseWriter<Response>& out) -> StatusTask {
    for (int i = 0; i < 100; ++i) {
      const Response response{i};
      const absl::Status status = co_await out.Write(response);
      if (!status.ok()) co_return status;
    }
    co_return absl::OkStatus();
  });
  EXPECT_TRUE(rpc.Wait().ok());
  writer.join();
  ASSERT_EQ(written.size(), 100u);
  for (int i = 0; i < 100; ++i) EXPECT_EQ(written[i], i);
}

TEST_F(CallTest, AClientThatDoesNotReadIsEnded) {
  environment_.write_timeout = 5ms;
  FakeRpc rpc;
  std::thread end;
  rpc.on_write = [](const Response*) {};
  rpc.on_abort = [&] {
    end = std::thread([&rpc] {
      rpc.Cancel();
      rpc.React([](FakeRpc::Reactor& reactor) { reactor.OnWriteDone(false); });
    });
  };
  absl::Status seen;
  StartStream(rpc, [&seen](RequestContext, const Request&, ResponseWriter<Response>& out) -> StatusTask {
    const Response response{1};
    seen = co_await out.Write(response);
    co_return seen;
  });
  EXPECT_FALSE(rpc.Wait().ok());
  end.join();
  EXPECT_EQ(ErrorReason(seen), "CLIENT_TOO_SLOW") << seen;
}

TEST_F(CallTest, ACancelledWriteKeepsItsMessageUntilTheWriteIsDone) {
  FakeRpc rpc;
  Notification writing;
  const Response* pending = nullptr;
  rpc.on_write = [&](const Response* response) {
    pending = response;
    writing.Notify();
  };
  std::atomic<bool> message_alive{false};
  // NOLINTNEXTLINE(cppcoreguidelines-avoid-capturing-lambda-coroutines): the call object keeps the closure.
  StartStream(rpc, [&message_alive](RequestContext, const Request&, ResponseWriter<Response>& out) -> StatusTask {
    const auto response = std::make_unique<Response>(Response{42});
    message_alive = true;
    const absl::Status status = co_await out.Write(*response);
    message_alive = false;
    co_return status;
  });
  writing.Wait();
  rpc.Cancel();
  // Everything the cancellation does on the call's thread has happened once both threads have run this.
  for (int i = 0; i < io_.size(); ++i) {
    Notification turn;
    asio::post(io_.Next(), [&turn] { turn.Notify(); });
    turn.Wait();
  }
  EXPECT_TRUE(message_alive);
  EXPECT_EQ(pending->value, 42);
  rpc.React([](FakeRpc::Reactor& reactor) { reactor.OnWriteDone(false); });
  EXPECT_EQ(rpc.Wait().error_code(), grpc::StatusCode::CANCELLED);
}

// Sends requests of these sizes, numbered from 1, each once it is asked for; then the end.
class Sender {
 public:
  Sender(FakeRpc& rpc, std::vector<std::size_t> sizes) : sizes_(std::move(sizes)) {
    rpc.on_read = [this, &rpc](Request* request) {
      if (thread_.joinable()) thread_.join();
      thread_ = std::thread([this, &rpc, request] {
        const bool more = sent_ < sizes_.size();
        if (more) {
          request->bytes = sizes_[sent_];
          request->value = static_cast<int>(++sent_);
        }
        rpc.React([more](FakeRpc::Reactor& reactor) { reactor.OnReadDone(more); });
      });
    };
  }
  ~Sender() { thread_.join(); }

  std::size_t sent() const { return sent_; }

 private:
  const std::vector<std::size_t> sizes_;
  std::atomic<std::size_t> sent_{0};
  std::thread thread_;
};

TEST_F(CallTest, ReadsARequestOnlyWhenTheLastOneWasTaken) {
  FakeRpc rpc;
  Response response;
  Sender sender(rpc, std::vector<std::size_t>(100, 600));  // Two of them would pass the limit on bytes.
  StartClientStream(rpc, response, [&](RequestContext, RequestReader<Request>& in, Response& r) -> StatusTask {
    Request request;
    while (true) {
      const absl::StatusOr<bool> more = co_await in.Read(request);
      if (!more.ok()) co_return more.status();
      if (!*more) co_return absl::OkStatus();
      EXPECT_EQ(sender.sent(), static_cast<std::size_t>(request.value));
      r.value += request.value;
    }
  });
  EXPECT_TRUE(rpc.Wait().ok());
  EXPECT_EQ(response.value, 5050);
}

TEST_F(CallTest, AStreamOfRequestsNeedNotBeReadToItsEnd) {
  FakeRpc rpc;
  Response response;
  Sender sender(rpc, {1, 1, 1});
  StartClientStream(rpc, response, [](RequestContext, RequestReader<Request>& in, Response& r) -> StatusTask {
    Request request;
    const absl::StatusOr<bool> more = co_await in.Read(request);
    r.value = request.value;
    co_return more.status();
  });
  EXPECT_TRUE(rpc.Wait().ok());
  EXPECT_EQ(response.value, 1);
  EXPECT_EQ(sender.sent(), 1u);
}

TEST_F(CallTest, ARequestOfTooManyBytesIsRefusedAndNotCounted) {
  absl::Status seen;
  {
    FakeRpc rpc;
    Response response;
    Sender sender(rpc, {1000, 1001});
    StartClientStream(rpc, response, [&seen](RequestContext, RequestReader<Request>& in, Response&) -> StatusTask {
      Request request;
      EXPECT_TRUE((co_await in.Read(request)).ok());
      seen = (co_await in.Read(request)).status();
      co_return seen;
    });
    EXPECT_EQ(rpc.Wait().error_code(), grpc::StatusCode::RESOURCE_EXHAUSTED);
  }
  EXPECT_EQ(ErrorReason(seen), "SERVER_OVERLOADED") << seen;
  while (admission_.in_flight() > 0) std::this_thread::yield();
  EXPECT_TRUE(admission_.Enter(1000).ok());
  admission_.Leave(1000);
}

TEST_F(CallTest, AClientThatSendsNothingIsEnded) {
  environment_.read_timeout = 5ms;
  FakeRpc rpc;
  Response response;
  std::thread end;
  rpc.on_read = [](Request*) {};
  rpc.on_abort = [&] {
    end = std::thread([&rpc] {
      rpc.Cancel();
      rpc.React([](FakeRpc::Reactor& reactor) { reactor.OnReadDone(false); });
    });
  };
  absl::Status seen;
  StartClientStream(rpc, response, [&seen](RequestContext, RequestReader<Request>& in, Response&) -> StatusTask {
    Request request;
    seen = (co_await in.Read(request)).status();
    co_return seen;
  });
  EXPECT_FALSE(rpc.Wait().ok());
  end.join();
  EXPECT_EQ(ErrorReason(seen), "CLIENT_TOO_SLOW") << seen;
}

TEST_F(CallTest, ACancelledReadKeepsItsMessageUntilGrpcHasLetGoOfIt) {
  FakeRpc rpc;
  Response response;
  Notification reading;
  rpc.on_read = [&](Request*) { reading.Notify(); };
  std::atomic<bool> message_alive{false};
  // NOLINTNEXTLINE(cppcoreguidelines-avoid-capturing-lambda-coroutines): the call object keeps the closure.
  StartClientStream(rpc, response, [&](RequestContext, RequestReader<Request>& in, Response&) -> StatusTask {
    const auto request = std::make_unique<Request>();
    message_alive = true;
    const absl::Status status = (co_await in.Read(*request)).status();
    message_alive = false;
    co_return status;
  });
  reading.Wait();
  rpc.Cancel();
  // Everything the cancellation does on the call's thread has happened once both threads have run this.
  for (int i = 0; i < io_.size(); ++i) {
    Notification turn;
    asio::post(io_.Next(), [&turn] { turn.Notify(); });
    turn.Wait();
  }
  EXPECT_TRUE(message_alive);
  rpc.React([](FakeRpc::Reactor& reactor) { reactor.OnReadDone(false); });
  EXPECT_EQ(rpc.Wait().error_code(), grpc::StatusCode::CANCELLED);
}

void ExpectOverloaded(const absl::Status& refused, const std::string& limit) {
  EXPECT_EQ(refused.code(), absl::StatusCode::kResourceExhausted);
  EXPECT_EQ(ErrorReason(refused), "SERVER_OVERLOADED");
  EXPECT_EQ(ErrorMetadata(refused, "limit"), limit);
  EXPECT_TRUE(refused.GetPayload("type.googleapis.com/google.rpc.RetryInfo").has_value());
}

TEST(AdmissionTest, RefusesCallsBeyondItsLimitAndTellsWhenToTryAgain) {
  Admission admission({.calls = 1, .bytes = 100});
  ASSERT_TRUE(admission.Enter(0).ok());
  ExpectOverloaded(admission.Enter(0), "1");
  admission.Leave(0);
  EXPECT_TRUE(admission.Enter(0).ok());
}

TEST(AdmissionTest, RefusesBytesBeyondItsLimit) {
  Admission admission({.calls = 10, .bytes = 100});
  ASSERT_TRUE(admission.Enter(60).ok());
  ASSERT_TRUE(admission.Enter(40).ok());
  ExpectOverloaded(admission.Enter(1), "100");
  EXPECT_TRUE(admission.Enter(0).ok());
  admission.Leave(40);
  EXPECT_TRUE(admission.Enter(40).ok()) << "what was refused does not count";
}

TEST(AdmissionTest, TellsOnceWhenTheLastCallIsGone) {
  Admission admission({.calls = 10});
  ASSERT_TRUE(admission.Enter(0).ok());
  int idle = 0;
  admission.Close([&idle] { ++idle; });
  EXPECT_EQ(idle, 0);
  EXPECT_EQ(ErrorReason(admission.Enter(0)), "SERVER_DRAINING");
  EXPECT_EQ(idle, 0);
  admission.Leave(0);
  EXPECT_EQ(idle, 1);
}

TEST(AdmissionTest, IsIdleAtOnceWhenNothingIsInFlight) {
  Admission admission({.calls = 10});
  int idle = 0;
  admission.Close([&idle] { ++idle; });
  EXPECT_EQ(idle, 1);
}

}  // namespace
}  // namespace dspex
