#include "server/serve/drain.h"

#include <grpcpp/health_check_service_interface.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <thread>

namespace dspex {

namespace {

using std::chrono::milliseconds;

// How long cancelled calls may take to end.
constexpr milliseconds kCancelGrace{5000};

milliseconds Until(TimePoint deadline) {
  return std::max(milliseconds(0), std::chrono::ceil<milliseconds>(deadline - Clock::now()));
}

/// Waits until nothing is in flight; false if the time limit or a signal came first.
bool WaitForCalls(Admission& admission, Signals& signals, TimePoint deadline) {
  admission.Close([&signals] { signals.Notify(); });
  return signals.Wait(Until(deadline)) == Signals::Woken::kEvent;
}

}  // namespace

void Drain(grpc::Server& server, Admission& admission, TaskScope& tasks, Signals& signals, Logger& logger,
           milliseconds lame_duck, milliseconds time_limit) {
  const TimePoint deadline = Clock::now() + time_limit;
  logger.Log(LogLevel::kInfo, "draining", {{"in_flight", static_cast<long long>(admission.in_flight())}});
  if (auto* health = server.GetHealthCheckService()) health->SetServingStatus(false);

  const bool hurried =
      lame_duck > milliseconds(0) && signals.Wait(std::min(lame_duck, Until(deadline))) == Signals::Woken::kSignal;
  const bool idle = WaitForCalls(admission, signals, hurried ? Clock::now() : deadline);
  if (!idle) {
    logger.Log(LogLevel::kWarn, "cancelling calls", {{"in_flight", static_cast<long long>(admission.in_flight())}});
  }
  tasks.CancelAll();

  // An open health Watch would hold a plain Shutdown to its limit. In a thread, so
  // that a call which ignores its cancellation cannot hold the process.
  std::atomic<bool> shut_down{false};
  std::thread shutdown([&server, &signals, &shut_down] {
    server.Shutdown(std::chrono::system_clock::now());
    shut_down.store(true);
    signals.Notify();
  });
  const TimePoint give_up = Clock::now() + kCancelGrace;
  while (!shut_down.load()) {
    if (signals.Wait(Until(give_up)) == Signals::Woken::kTimeout) {
      logger.Log(LogLevel::kError, "calls did not end after their cancellation; leaving them");
      logger.Flush();
      ::_exit(1);
    }
  }
  shutdown.join();
  if (!tasks.Join(give_up)) {
    logger.Log(LogLevel::kError, "background tasks did not end after their cancellation; leaving them");
    logger.Flush();
    ::_exit(1);
  }
  logger.Log(LogLevel::kInfo, "stopped");
}

}  // namespace dspex
