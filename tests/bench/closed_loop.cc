#include "tests/bench/closed_loop.h"

#include <grpcpp/support/status.h>
#include <time.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <condition_variable>
#include <cstdlib>
#include <iostream>
#include <mutex>

namespace dspex::bench {
namespace {

using std::chrono::steady_clock;

// Of all threads of a process, those that have ended too; the kernel's accounting in nanoseconds.
double CpuSeconds(pid_t pid) {
  clockid_t clock;
  timespec time{};
  if (clock_getcpuclockid(pid, &clock) != 0 || clock_gettime(clock, &time) != 0) {
    std::cerr << "Cannot read the CPU time of process " << pid << ".\n";
    std::exit(1);
  }
  return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_nsec) * 1e-9;
}

// Requests first to first + count - 1, some at a time.
class Phase {
 public:
  Phase(const StartRequest& start, int64_t first, int64_t count)
      : start_(start), first_(first), latencies_us_(static_cast<size_t>(count)) {}

  void Run(int concurrency) {
    running_ = std::min<int64_t>(concurrency, static_cast<int64_t>(latencies_us_.size()));
    const int64_t chains = running_;
    for (int64_t i = 0; i < chains; ++i) Next();
    std::unique_lock lock(mutex_);
    ended_.wait(lock, [this] { return running_ == 0; });
  }

  std::vector<float>& latencies_us() { return latencies_us_; }
  int64_t errors() const { return errors_; }
  const std::string& first_error() const { return first_error_; }

 private:
  void Next() {
    const size_t index = next_++;
    if (index >= latencies_us_.size()) {
      const std::lock_guard lock(mutex_);
      if (--running_ == 0) ended_.notify_all();
      return;
    }
    const auto begin = steady_clock::now();
    start_(first_ + static_cast<int64_t>(index), [this, index, begin](const grpc::Status& status) {
      latencies_us_[index] = std::chrono::duration<float, std::micro>(steady_clock::now() - begin).count();
      if (!status.ok()) Fail(status);
      Next();
    });
  }

  void Fail(const grpc::Status& status) {
    const std::lock_guard lock(mutex_);
    if (errors_++ == 0) first_error_ = status.error_message();
  }

  const StartRequest& start_;
  const int64_t first_;
  std::vector<float> latencies_us_;  // By index: each is written once.
  std::atomic<size_t> next_ = 0;
  std::mutex mutex_;
  std::condition_variable ended_;
  int64_t running_ = 0;
  int64_t errors_ = 0;
  std::string first_error_;
};

}  // namespace

RunReport RunClosedLoop(const StartRequest& start, int concurrency, int64_t warm_up, int64_t requests,
                        const std::vector<pid_t>& pids) {
  Phase(start, 0, warm_up).Run(concurrency);
  std::vector<double> cpu_before;
  for (const pid_t pid : pids) cpu_before.push_back(CpuSeconds(pid));
  const auto begin = steady_clock::now();
  Phase phase(start, warm_up, requests);
  phase.Run(concurrency);

  RunReport report;
  report.seconds = std::chrono::duration<double>(steady_clock::now() - begin).count();
  for (size_t i = 0; i < pids.size(); ++i) {
    report.cpu_us.push_back((CpuSeconds(pids[i]) - cpu_before[i]) * 1e6 / static_cast<double>(requests));
  }
  report.requests = requests;
  report.errors = phase.errors();
  report.first_error = phase.first_error();
  report.p50_us = Quantile(phase.latencies_us(), 0.50);
  report.p90_us = Quantile(phase.latencies_us(), 0.90);
  report.p99_us = Quantile(phase.latencies_us(), 0.99);
  return report;
}

double Quantile(std::vector<float>& values, double quantile) {
  if (values.empty()) return 0;
  const auto at = values.begin() + static_cast<ptrdiff_t>(quantile * static_cast<double>(values.size() - 1));
  std::nth_element(values.begin(), at, values.end());
  return *at;
}

}  // namespace dspex::bench
