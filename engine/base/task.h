#pragma once

#include <absl/status/status.h>
#include <absl/status/statusor.h>

#include <boost/asio/awaitable.hpp>
#include <chrono>

namespace dspex {

namespace asio = boost::asio;

/// An asynchronous operation that yields a value or an error. Reference arguments of a function that returns one must
/// outlive the returned awaitable; awaiting it is the caller's duty (one that is never awaited never runs).
template <typename T>
using Task = asio::awaitable<absl::StatusOr<T>>;

/// An asynchronous operation without a value.
using StatusTask = asio::awaitable<absl::Status>;

/// Deadlines are points on the steady clock; `kNoDeadline` never comes.
using Clock = std::chrono::steady_clock;
using TimePoint = Clock::time_point;
inline constexpr TimePoint kNoDeadline = TimePoint::max();

}  // namespace dspex
