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

absl::Status ClientTooSlow() {
  return Error(
      absl::StatusCode::kUnavailable, reason::kClientTooSlow,
      "The client of a stream read nothing for too long. Read responses as they come, or ask without a stream.");
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
