#include "server/rpc/call.h"

#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/this_coro.hpp>

#include "engine/base/error.h"
#include "engine/base/reasons.h"
#include "server/log/access_log.h"
#include "server/metrics/method_metrics.h"
#include "server/rpc/grpc_status.h"

namespace dspex {

absl::Status ClientReadsTooSlowly() {
  return Error(
      absl::StatusCode::kUnavailable, reason::kClientTooSlow,
      "The client of a stream read nothing for too long. Read responses as they come, or ask without a stream.");
}

absl::Status ClientSendsTooSlowly() {
  return Error(absl::StatusCode::kUnavailable, reason::kClientTooSlow,
               "The client of a stream sent nothing for too long. Send when all that is to be sent is at hand.");
}

StreamOperation::StreamOperation(IoPool::Executor executor, Clock::duration timeout, std::function<void()> abort,
                                 absl::Status too_slow)
    : executor_(std::move(executor)), timeout_(timeout), abort_(std::move(abort)), too_slow_(std::move(too_slow)) {}

void StreamOperation::Begin() { done_ = std::make_shared<Waiter>(executor_); }

Task<bool> StreamOperation::Await() {
  absl::Status waited = co_await done_->Wait(Clock::now() + timeout_);
  if (!done_->woken()) {
    if (absl::IsDeadlineExceeded(waited)) {
      waited = too_slow_;
      abort_();
    }
    // Cancelled, or soon. gRPC still has the message, and reports the failure soon.
    co_await asio::this_coro::reset_cancellation_state(asio::disable_cancellation());
    const absl::Status ended = co_await done_->Wait(kNoDeadline);
    co_return ended.ok() ? waited : ended;
  }
  if (!waited.ok()) co_return waited;
  co_return ok_.load();
}

void StreamOperation::Done(bool ok) {
  ok_.store(ok);
  // A copy: the coroutine may begin another one as soon as it is woken.
  const std::shared_ptr<Waiter> waiter = done_;
  waiter->Wake();
}

CallCore::CallCore(const CallEnvironment& environment, const Method& method, CallStart start)
    : environment_(environment),
      method_(method),
      executor_(environment.io->Next()),
      deadline_(start.deadline),
      request_bytes_(start.request_bytes) {
  record_.request_id = std::move(start.request_id);
  method_.metrics->Started();
}

CallCore::~CallCore() { environment_.admission->Leave(request_bytes_); }

absl::Status CallCore::HoldRequest(std::int64_t bytes) {
  if (absl::Status status = environment_.admission->Resize(request_bytes_, bytes); !status.ok()) return status;
  request_bytes_ = bytes;
  return absl::OkStatus();
}

void CallCore::Launch() {
  // Posted rather than spawned from here, so that the cancellation signal is only ever touched on the executor and the
  // coroutine's frames come from that thread's allocator.
  asio::post(executor_, [this] {
    asio::co_spawn(
        executor_, Run(),
        asio::bind_cancellation_slot(cancel_.slot(), [this](std::exception_ptr exception, absl::Status status) {
          End(std::move(exception), std::move(status));
        }));
  });
}

void CallCore::Cancel() {
  Ref();
  asio::post(executor_, [this] {
    cancel_.emit(asio::cancellation_type::terminal);
    Unref();
  });
}

void CallCore::Unref() {
  if (references_.fetch_sub(1, std::memory_order_acq_rel) == 1) delete this;
}

StatusTask CallCore::Run() {
  // Otherwise the first await after a cancellation throws, and what should clean up is skipped.
  co_await asio::this_coro::throw_if_cancelled(false);
  co_return co_await Body();
}

void CallCore::End(std::exception_ptr exception, absl::Status status) {
  std::string cause(status.message());
  if (exception) {
    status = absl::InternalError("");
    try {
      std::rethrow_exception(exception);
    } catch (const std::exception& e) {
      cause = e.what();
    } catch (...) {
      cause = "an exception of no standard type";
    }
  }
  const bool typed = status.ok() || !ErrorReason(status).empty();
  const grpc::Status grpc_status = ToGrpcStatus(status, record_.request_id);
  const Clock::duration duration = Clock::now() - record_.start;
  method_.metrics->Ended(static_cast<int>(grpc_status.error_code()), duration, record_);
  environment_.access_log->Rpc(method_.name, grpc_status.error_code(), typed ? ErrorReason(status) : "", duration,
                               record_);
  if (!typed && status.code() != absl::StatusCode::kCancelled && status.code() != absl::StatusCode::kDeadlineExceeded) {
    environment_.access_log->Defect(method_.name, record_.request_id, cause);
  }
  FinishRpc(grpc_status);
  Unref();
}

}  // namespace dspex
