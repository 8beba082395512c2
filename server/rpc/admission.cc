#include "server/rpc/admission.h"

#include <absl/strings/str_cat.h>

#include <chrono>
#include <utility>

#include "engine/base/error.h"
#include "engine/base/reasons.h"

namespace dspex {

absl::Status Admission::Enter() {
  // Counted first and checked after, here and in Close: one of the two always sees the other.
  const int before = in_flight_.fetch_add(1);
  if (closed_.load()) {
    Leave();
    return Error(absl::StatusCode::kUnavailable, reason::kDraining,
                 "The server is shutting down. Send the call to another replica, or again once the server is back.");
  }
  if (before >= max_in_flight_) {
    Leave();
    return Error(absl::StatusCode::kResourceExhausted, reason::kOverloaded,
                 absl::StrCat("The server has ", max_in_flight_,
                              " calls in flight, its limit. Try again later, or raise limits.max_in_flight."))
        .With("limit", max_in_flight_)
        .RetryAfter(std::chrono::seconds(1));
  }
  return absl::OkStatus();
}

void Admission::Leave() {
  if (in_flight_.fetch_sub(1) != 1 || !closed_.load()) return;
  std::function<void()> on_idle;
  {
    MutexLock lock(&mutex_);
    on_idle = std::exchange(on_idle_, nullptr);
  }
  if (on_idle) on_idle();
}

void Admission::Close(std::function<void()> on_idle) {
  {
    MutexLock lock(&mutex_);
    on_idle_ = std::move(on_idle);
  }
  // A call of our own: leaving it finds the count at zero if nothing is in flight.
  in_flight_.fetch_add(1);
  closed_.store(true);
  Leave();
}

}  // namespace dspex
