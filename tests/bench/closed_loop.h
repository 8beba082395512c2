#pragma once

#include <sys/types.h>

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

namespace grpc {
class Status;
}

namespace dspex::bench {

/// Begins request `n` and calls `done` once, from any thread, when it has ended.
using StartRequest = std::function<void(int64_t n, std::function<void(const grpc::Status&)> done)>;

/// What a run costs and takes.
struct RunReport {
  int64_t requests = 0;
  int64_t errors = 0;
  std::string first_error;
  double seconds = 0;
  double p50_us = 0;
  double p90_us = 0;
  double p99_us = 0;
  std::vector<double> cpu_us;  ///< CPU time of each watched process, per request.
};

/// Keeps `concurrency` requests in flight, first `warm_up` of them unmeasured, then `requests`; watches the CPU time of
/// the processes `pids` meanwhile. Returns when all have ended.
RunReport RunClosedLoop(const StartRequest& start, int concurrency, int64_t warm_up, int64_t requests,
                        const std::vector<pid_t>& pids);

/// The value below which that part of `values` lies, which come in another order; 0 of none.
double Quantile(std::vector<float>& values, double quantile);

}  // namespace dspex::bench
