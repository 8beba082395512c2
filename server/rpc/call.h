#pragma once

#include <grpcpp/support/status.h>

#include <atomic>
#include <boost/asio/cancellation_signal.hpp>
#include <chrono>
#include <exception>
#include <functional>
#include <memory>
#include <string>
#include <utility>

#include "engine/base/context.h"
#include "engine/base/task.h"
#include "engine/base/waiter.h"
#include "server/rpc/admission.h"
#include "server/rpc/io_pool.h"

namespace dspex {

class AccessLog;
class MethodMetrics;

/// One RPC method as the bridge knows it. Lives as long as the server.
struct Method {
  std::string service;
  std::string name;
  MethodMetrics* metrics = nullptr;
};

/// What every call uses. Outlives all calls.
struct CallEnvironment {
  IoPool* io = nullptr;
  Admission* admission = nullptr;
  AccessLog* access_log = nullptr;
  /// How long the client of a stream may take to make room for a response.
  Clock::duration write_timeout = std::chrono::seconds(30);
};

/// What is known of a call when it arrives.
struct CallStart {
  std::string request_id;
  TimePoint deadline = kNoDeadline;
  /// Of the request message.
  std::int64_t request_bytes = 0;
};

/// The life of one call, whatever its kind: begins with a coroutine on an I/O thread, ends with Finish, and dies when
/// gRPC and the coroutine are both done with it. Metrics, access log and error details are made here, once for all
/// methods.
///
/// gRPC's threads call Launch, Cancel and Unref; everything else happens on the call's executor.
class CallCore {
 public:
  CallCore(const CallCore&) = delete;
  CallCore& operator=(const CallCore&) = delete;

 protected:
  CallCore(const CallEnvironment& environment, const Method& method, CallStart start);
  virtual ~CallCore();

  /// Starts Body on the call's executor. `this` then has two owners, gRPC (which gives it up in OnDone) and the
  /// coroutine.
  void Launch();
  /// Cancels the coroutine: its pending operation ends with an error. Thread-safe.
  void Cancel();
  /// Gives up one ownership.
  void Unref();

  RequestContext context() { return {record_, deadline_}; }
  const IoPool::Executor& executor() const { return executor_; }

  /// The method's work.
  virtual StatusTask Body() = 0;
  /// Hands the status to gRPC. Called once, after Body ended.
  virtual void FinishRpc(const grpc::Status& status) = 0;

 private:
  StatusTask Run();
  void End(std::exception_ptr exception, absl::Status status);
  void Ref() { references_.fetch_add(1, std::memory_order_relaxed); }

  const CallEnvironment& environment_;
  const Method& method_;
  const IoPool::Executor executor_;
  const TimePoint deadline_;
  const std::int64_t request_bytes_;
  RequestRecord record_;
  boost::asio::cancellation_signal cancel_;
  std::atomic<int> references_{2};
};

/// A call with one request and one response. `Reactor` is grpc::ServerUnaryReactor; tests put a fake in its place.
/// `Handler` is called as handler(context, request, response) and returns a StatusTask; request and response belong to
/// gRPC and live until Finish.
template <typename Reactor, typename Handler, typename Request, typename Response>
class UnaryCall final : public Reactor, private CallCore {
 public:
  UnaryCall(const CallEnvironment& environment, const Method& method, CallStart start, Handler handler,
            const Request* request, Response* response)
      : CallCore(environment, method, std::move(start)),
        handler_(std::move(handler)),
        request_(request),
        response_(response) {
    Launch();
  }

 private:
  StatusTask Body() override { return handler_(context(), *request_, *response_); }
  void FinishRpc(const grpc::Status& status) override { this->Finish(status); }
  void OnCancel() override { Cancel(); }
  void OnDone() override { Unref(); }

  Handler handler_;
  const Request* const request_;
  Response* const response_;
};

absl::Status ClientTooSlow();

/// Where a streaming method writes its responses. One Write at a time.
template <typename Response>
class ResponseWriter {
 public:
  virtual ~ResponseWriter() = default;
  /// Suspends until gRPC has taken the response; the client's flow control is the back-pressure. CANCELLED once the
  /// client is gone, UNAVAILABLE / CLIENT_TOO_SLOW once it has not read for too long: its call is then ended.
  virtual StatusTask Write(const Response& response) = 0;
};

/// A call with one request and a stream of responses. `Reactor` is grpc::ServerWriteReactor<Response> or a fake.
/// `Handler` is called as handler(context, request, writer).
template <typename Reactor, typename Handler, typename Request, typename Response>
class ServerStreamCall final : public Reactor, private CallCore, private ResponseWriter<Response> {
 public:
  /// `abort` ends the RPC at once, so that writes fail.
  ServerStreamCall(const CallEnvironment& environment, const Method& method, CallStart start, Handler handler,
                   const Request* request, std::function<void()> abort)
      : CallCore(environment, method, std::move(start)),
        handler_(std::move(handler)),
        request_(request),
        abort_(std::move(abort)),
        write_timeout_(environment.write_timeout) {
    Launch();
  }

 private:
  StatusTask Body() override { return handler_(context(), *request_, static_cast<ResponseWriter<Response>&>(*this)); }
  void FinishRpc(const grpc::Status& status) override { this->Finish(status); }
  void OnCancel() override { Cancel(); }
  void OnDone() override { Unref(); }

  StatusTask Write(const Response& response) override {
    write_done_ = std::make_shared<Waiter>(executor());
    this->StartWrite(&response);
    absl::Status waited = co_await write_done_->Wait(Clock::now() + write_timeout_);
    if (!write_done_->woken()) {
      if (absl::IsDeadlineExceeded(waited)) {
        waited = ClientTooSlow();
        abort_();
      }
      // Cancelled, or soon. gRPC still reads `response`, and reports the failed write soon.
      co_await asio::this_coro::reset_cancellation_state(asio::disable_cancellation());
      const absl::Status ended = co_await write_done_->Wait(kNoDeadline);
      co_return ended.ok() ? waited : ended;
    }
    if (!waited.ok()) co_return waited;
    co_return write_ok_.load() ? absl::OkStatus() : absl::CancelledError("the client is gone");
  }

  void OnWriteDone(bool ok) override {
    write_ok_.store(ok);
    // A copy: the coroutine may replace write_done_ as soon as it is woken.
    const std::shared_ptr<Waiter> waiter = write_done_;
    waiter->Wake();
  }

  Handler handler_;
  const Request* const request_;
  const std::function<void()> abort_;
  const Clock::duration write_timeout_;
  std::shared_ptr<Waiter> write_done_;
  std::atomic<bool> write_ok_{false};
};

}  // namespace dspex
