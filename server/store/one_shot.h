#pragma once

#include <boost/asio/any_io_executor.hpp>
#include <memory>
#include <utility>

#include "engine/base/error.h"
#include "engine/base/reasons.h"
#include "engine/base/task.h"
#include "engine/base/waiter.h"

namespace dspex {

/// A result that some thread hands to one coroutine. Shared by the two: the coroutine may give up before the result is
/// there, and the thread still has where to put it.
template <typename T>
class OneShot {
 public:
  /// `executor` is the coroutine's own.
  explicit OneShot(asio::any_io_executor executor) : waiter_(std::make_shared<Waiter>(std::move(executor))) {}

  /// Called once, from any thread.
  void Set(absl::StatusOr<T> result) {
    result_ = std::move(result);
    waiter_->Wake();
  }

  /// Waits for Set and takes the result; kCancelled if the coroutine was cancelled first.
  static Task<T> Take(std::shared_ptr<OneShot> self) {
    const absl::Status waited = co_await self->waiter_->Wait(kNoDeadline);
    if (!waited.ok()) {
      co_return Error(absl::StatusCode::kCancelled, reason::kCancelled,
                      "The caller went away before the database answered. A write may have been done all the same.");
    }
    co_return std::move(self->result_);
  }

 private:
  std::shared_ptr<Waiter> waiter_;
  /// Written before the wake, read after it.
  absl::StatusOr<T> result_;
};

}  // namespace dspex
