#include "server/rpc/admission.h"

#include <absl/strings/str_cat.h>

#include <chrono>
#include <utility>

#include "engine/base/error.h"
#include "engine/base/reasons.h"

namespace dspex {

namespace {

absl::Status Overloaded(absl::string_view what, absl::string_view key, std::int64_t limit) {
  return Error(absl::StatusCode::kResourceExhausted, reason::kOverloaded,
               absl::StrCat("The server has ", limit, " ", what,
                            " in flight, its limit. Try again later, or raise limits.", key, "."))
      .With("limit", limit)
      .RetryAfter(std::chrono::seconds(1));
}

}  // namespace

absl::Status Admission::Enter(std::int64_t bytes) {
  // Counted first and checked after, here and in Close: one of the two always sees the other.
  const int calls_before = in_flight_.fetch_add(1);
  const std::int64_t bytes_now = bytes_.fetch_add(bytes) + bytes;
  if (closed_.load()) {
    Leave(bytes);
    return Error(absl::StatusCode::kUnavailable, reason::kDraining,
                 "The server is shutting down. Send the call to another replica, or again once the server is back.");
  }
  if (calls_before >= limits_.calls) {
    Leave(bytes);
    return Overloaded("calls", "max_in_flight", limits_.calls);
  }
  if (bytes_now > limits_.bytes) {
    Leave(bytes);
    return Overloaded("bytes of requests", "max_in_flight_bytes", limits_.bytes);
  }
  return absl::OkStatus();
}

void Admission::Leave(std::int64_t bytes) {
  bytes_.fetch_sub(bytes);
  if (in_flight_.fetch_sub(1) != 1 || !closed_.load()) return;
  std::function<void()> on_idle;
  {
    MutexLock lock(&mutex_);
    on_idle = std::exchange(on_idle_, nullptr);
  }
  if (on_idle) on_idle();
}

absl::Status Admission::Resize(std::int64_t before, std::int64_t after) {
  const std::int64_t more = after - before;
  if (bytes_.fetch_add(more) + more <= limits_.bytes || more <= 0) return absl::OkStatus();
  bytes_.fetch_sub(more);
  return Overloaded("bytes of requests", "max_in_flight_bytes", limits_.bytes);
}

void Admission::Close(std::function<void()> on_idle) {
  {
    MutexLock lock(&mutex_);
    on_idle_ = std::move(on_idle);
  }
  // A call of our own: leaving it finds the count at zero if nothing is in flight.
  in_flight_.fetch_add(1);
  closed_.store(true);
  Leave(0);
}

}  // namespace dspex
