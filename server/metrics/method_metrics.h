#pragma once

#include <array>

#include "engine/base/context.h"
#include "engine/base/task.h"

namespace prometheus {
class Counter;
class Gauge;
class Histogram;
}  // namespace prometheus

namespace dspex {

/// The metrics of one RPC method, looked up once so that a call only increments. Thread-safe.
class MethodMetrics {
 public:
  /// gRPC's codes, OK to UNAUTHENTICATED.
  static constexpr int kCodes = 17;

  struct Instruments {
    std::array<prometheus::Counter*, kCodes> ended{};
    prometheus::Gauge* in_flight = nullptr;
    prometheus::Histogram* duration = nullptr;
    prometheus::Histogram* overhead = nullptr;
    prometheus::Histogram* queued = nullptr;
  };
  /// The instruments belong to a registry that outlives this.
  explicit MethodMetrics(const Instruments& instruments) : instruments_(instruments) {}

  void Started();
  /// A call that had started. Overhead and queue time are observed for calls that reached a provider.
  void Ended(int code, Clock::duration duration, const RequestRecord& record);
  /// A call that was refused before it started.
  void Refused(int code);

 private:
  const Instruments instruments_;
};

}  // namespace dspex
