#pragma once

#include <google/protobuf/duration.pb.h>

#include <chrono>

#include "engine/base/task.h"

namespace dspex {

/// A duration as messages have it, and the reverse; within the 292 years that a Clock::duration holds.
inline Clock::duration ReadDuration(const google::protobuf::Duration& proto) {
  return std::chrono::seconds(proto.seconds()) + std::chrono::nanoseconds(proto.nanos());
}
inline void WriteDuration(Clock::duration duration, google::protobuf::Duration& proto) {
  const auto nanos = std::chrono::duration_cast<std::chrono::nanoseconds>(duration).count();
  proto.set_seconds(nanos / 1'000'000'000);
  proto.set_nanos(static_cast<int>(nanos % 1'000'000'000));
}

}  // namespace dspex
