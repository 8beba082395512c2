#pragma once

#include <absl/status/statusor.h>
#include <absl/strings/string_view.h>

#include <string>
#include <vector>

#include "dspex/v1/job.pb.h"
#include "dspex/v1/metric.pb.h"

namespace CLI {
class App;
}

namespace dspex::cli {

/// What the command lines of eval and compile have in common.
struct JobOptions {
  std::string program;
  std::string metric;
  int concurrency = 0;
  double example_timeout = 0;
  int max_errors = 0;
  std::string max_cost;
  std::int64_t max_tokens = 0;
  std::int64_t max_calls = 0;
  double max_time = 0;
  std::string judge;
  bool estimate = false;
  bool detach = false;
  std::string html;

  /// Adds the options to a command.
  void AddTo(CLI::App& command);
};

/// A metric as it is named on the command line: "exact_match", "f1:answer" (with a field), "lua:score.lua" (a script),
/// or "metric.json" (a dspex.v1.Metric). INVALID_ARGUMENT names the metrics there are.
absl::StatusOr<v1::Metric> ReadMetricOption(const std::string& text);

v1::EvaluationSettings SettingsOf(const JobOptions& options);
std::vector<v1::Budget> BudgetsOf(const JobOptions& options);

/// "jobs/abc" for "abc".
std::string JobName(absl::string_view id);

}  // namespace dspex::cli
