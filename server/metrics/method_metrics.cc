#include "server/metrics/method_metrics.h"

#include <prometheus/counter.h>
#include <prometheus/gauge.h>
#include <prometheus/histogram.h>

#include <algorithm>
#include <chrono>

namespace dspex {

namespace {
double Seconds(Clock::duration duration) { return std::chrono::duration<double>(duration).count(); }
}  // namespace

void MethodMetrics::Started() { instruments_.in_flight->Increment(); }

void MethodMetrics::Ended(int code, Clock::duration duration, const RequestRecord& record) {
  instruments_.in_flight->Decrement();
  Refused(code);
  instruments_.duration->Observe(Seconds(duration));
  if (record.attempts.empty() && record.queued == Clock::duration::zero()) return;
  const Clock::duration overhead = duration - record.ProviderTime() - record.queued;
  instruments_.overhead->Observe(Seconds(std::max(overhead, Clock::duration::zero())));
  instruments_.queued->Observe(Seconds(record.queued));
}

void MethodMetrics::Refused(int code) {
  if (code < 0 || code >= kCodes) code = 2;  // UNKNOWN
  instruments_.ended[static_cast<std::size_t>(code)]->Increment();
}

}  // namespace dspex
