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
  /// How long the client of a stream may take to send the next request.
  Clock::duration read_timeout = std::chrono::seconds(60);
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
  /// Notes that the call now holds a request message of this many bytes and no other, unless that is too much:
  /// SERVER_OVERLOADED.
  absl::Status HoldRequest(std::int64_t bytes);
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
  std::int64_t request_bytes_;
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

/// A read or a write that gRPC does for a stream and reports from a thread of its own.
class StreamOperation {
 public:
  /// `abort` ends the RPC at once, so that operations fail. `too_slow` is the error if the client takes more than
  /// `timeout`.
  StreamOperation(IoPool::Executor executor, Clock::duration timeout, std::function<void()> abort,
                  absl::Status too_slow);

  /// To be called before gRPC is told to begin.
  void Begin();
  /// Suspends until gRPC has done it; whether it succeeded. On a cancellation or `too_slow` it is over too: gRPC has
  /// let go of the message.
  Task<bool> Await();
  /// gRPC is done with it.
  void Done(bool ok);

 private:
  const IoPool::Executor executor_;
  const Clock::duration timeout_;
  const std::function<void()> abort_;
  const absl::Status too_slow_;
  std::shared_ptr<Waiter> done_;
  std::atomic<bool> ok_{false};
};

absl::Status ClientReadsTooSlowly();
absl::Status ClientSendsTooSlowly();

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
        write_(executor(), environment.write_timeout, std::move(abort), ClientReadsTooSlowly()) {
    Launch();
  }

 private:
  StatusTask Body() override { return handler_(context(), *request_, static_cast<ResponseWriter<Response>&>(*this)); }
  void FinishRpc(const grpc::Status& status) override { this->Finish(status); }
  void OnCancel() override { Cancel(); }
  void OnDone() override { Unref(); }

  StatusTask Write(const Response& response) override {
    write_.Begin();
    this->StartWrite(&response);
    const absl::StatusOr<bool> written = co_await write_.Await();
    if (!written.ok()) co_return written.status();
    co_return *written ? absl::OkStatus() : absl::CancelledError("the client is gone");
  }

  void OnWriteDone(bool ok) override { write_.Done(ok); }

  Handler handler_;
  const Request* const request_;
  StreamOperation write_;
};

/// Where a streaming method reads its requests. One Read at a time.
template <typename Request>
class RequestReader {
 public:
  virtual ~RequestReader() = default;
  /// Suspends until the client has sent the next request: true, and `request` is that; false if no more come. The next
  /// one is only taken from the connection by the next Read, and the client's flow control is the back-pressure. An end
  /// may also mean that the client died: what counts must be said by a request. CANCELLED once the client is known to
  /// be gone, UNAVAILABLE / CLIENT_TOO_SLOW once it has sent nothing for too long, SERVER_OVERLOADED if the server
  /// holds too many bytes of requests. `request` counts among these until the next Read.
  virtual Task<bool> Read(Request& request) = 0;
};

/// A call with a stream of requests and one response. `Reactor` is grpc::ServerReadReactor<Request> or a fake.
/// `Handler` is called as handler(context, reader, response). It need not read to the end.
template <typename Reactor, typename Handler, typename Request, typename Response>
class ClientStreamCall final : public Reactor, private CallCore, private RequestReader<Request> {
 public:
  /// `abort` ends the RPC at once, so that reads fail.
  ClientStreamCall(const CallEnvironment& environment, const Method& method, CallStart start, Handler handler,
                   Response* response, std::function<void()> abort)
      : CallCore(environment, method, std::move(start)),
        handler_(std::move(handler)),
        response_(response),
        read_(executor(), environment.read_timeout, std::move(abort), ClientSendsTooSlowly()) {
    Launch();
  }

 private:
  StatusTask Body() override { return handler_(context(), static_cast<RequestReader<Request>&>(*this), *response_); }
  void FinishRpc(const grpc::Status& status) override { this->Finish(status); }
  void OnCancel() override { Cancel(); }
  void OnDone() override { Unref(); }

  Task<bool> Read(Request& request) override {
    if (const absl::Status released = HoldRequest(0); !released.ok()) co_return released;
    read_.Begin();
    this->StartRead(&request);
    const absl::StatusOr<bool> read = co_await read_.Await();
    if (!read.ok() || !*read) co_return read;
    const absl::Status held = HoldRequest(static_cast<std::int64_t>(request.ByteSizeLong()));
    if (!held.ok()) co_return held;
    co_return true;
  }

  void OnReadDone(bool ok) override { read_.Done(ok); }

  Handler handler_;
  Response* const response_;
  StreamOperation read_;
};

}  // namespace dspex
