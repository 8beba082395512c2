// The load generator: prepares the servers, runs one closed loop, waits for readiness. Prints one JSON line.

#include <absl/status/statusor.h>

#include <CLI/CLI.hpp>
#include <iostream>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "tests/bench/closed_loop.h"
#include "tests/bench/streams.h"
#include "tests/bench/targets.h"

namespace dspex::bench {
namespace {

using nlohmann::ordered_json;

int Fail(const absl::Status& status) {
  std::cerr << status << "\n";
  return 1;
}

template <typename T>
int Print(const char* name, const absl::StatusOr<T>& value) {
  if (!value.ok()) return Fail(value.status());
  std::cout << ordered_json{{name, *value}} << std::endl;
  return 0;
}

struct RunOptions {
  std::string target;
  std::string method;
  std::string program;
  int channels = 1;
  int concurrency = 64;
  int64_t warm_up = 500;
  int64_t requests = 10'000;
  std::vector<pid_t> pids;
};

ordered_json ToJson(const RunReport& report) {
  return {{"requests", report.requests},       {"errors", report.errors},
          {"first_error", report.first_error}, {"rps", static_cast<double>(report.requests) / report.seconds},
          {"p50_us", report.p50_us},           {"p90_us", report.p90_us},
          {"p99_us", report.p99_us},           {"cpu_us", report.cpu_us}};
}

RunReport RunWith(const StartRequest& start, const RunOptions& options) {
  return RunClosedLoop(start, options.concurrency, options.warm_up, options.requests, options.pids);
}

int RunCalls(const RunOptions& options) {
  const Channels channels = Connect(options.target, options.channels);
  absl::StatusOr<StartRequest> start = options.method == "forward" ? ForwardRequests(channels, options.program)
                                                                   : FloorRequests(channels, options.method);
  if (!start.ok()) return Fail(start.status());
  std::cout << ToJson(RunWith(*start, options)) << std::endl;
  return 0;
}

int RunStreams(const RunOptions& options) {
  FirstPieces pieces(options.warm_up + options.requests);
  absl::StatusOr<StartRequest> start =
      options.method == "direct" ? DirectRequests(options.target, pieces)
                                 : StreamRequests(Connect(options.target, options.channels), options.program, pieces);
  if (!start.ok()) return Fail(start.status());
  ordered_json report = ToJson(RunWith(*start, options));
  std::vector<float> delays_us = pieces.delays_us(options.warm_up);
  std::vector<float> waits_us = pieces.waits_us(options.warm_up);
  report["first_delay_p50_us"] = Quantile(delays_us, 0.50);
  report["first_delay_p99_us"] = Quantile(delays_us, 0.99);
  report["first_wait_p50_us"] = Quantile(waits_us, 0.50);
  report["pieces"] = static_cast<double>(pieces.count) / static_cast<double>(options.warm_up + options.requests);
  std::cout << report << std::endl;
  return 0;
}

int Run(const RunOptions& options) {
  return options.method == "stream" || options.method == "direct" ? RunStreams(options) : RunCalls(options);
}

int Main(int argc, char** argv) {
  CLI::App app("Load for dspex's benchmarks.");
  app.require_subcommand(1);

  RunOptions run;
  CLI::App* run_command = app.add_subcommand("run", "A closed loop of requests.");
  run_command->add_option("--target", run.target, "host:port")->required();
  run_command
      ->add_option("--method", run.method, "echo, raw, equipped (floor), forward, stream (dspex) or direct (the mock)")
      ->required();
  run_command->add_option("--program", run.program, "The program's id, for forward and stream.");
  run_command->add_option("--channels", run.channels, "gRPC connections.")->check(CLI::PositiveNumber);
  run_command->add_option("--concurrency", run.concurrency, "Requests in flight.")->check(CLI::PositiveNumber);
  run_command->add_option("--warm-up", run.warm_up, "Requests before the measured ones.")
      ->check(CLI::NonNegativeNumber);
  run_command->add_option("--requests", run.requests, "Requests that are measured.")->check(CLI::PositiveNumber);
  run_command->add_option("--cpu-of", run.pids, "Processes whose CPU time is reported per request.");

  std::string dspex_target;
  std::string floor_target;
  std::string id;
  int demos = 0;
  CLI::App* program_command = app.add_subcommand("program", "Creates a program; the floor sends what it sends.");
  program_command->add_option("--target", dspex_target, "dspex, host:port")->required();
  program_command->add_option("--floor", floor_target, "The floor, host:port")->required();
  program_command->add_option("--id", id, "The program's id.")->required();
  program_command->add_option("--demos", demos, "How many demonstrations.")->check(CLI::NonNegativeNumber);

  int bytes = 0;
  CLI::App* floor_command = app.add_subcommand("body", "The floor sends a body of a given size.");
  floor_command->add_option("--floor", floor_target, "The floor, host:port")->required();
  floor_command->add_option("--bytes", bytes, "About how many.")->check(CLI::NonNegativeNumber);

  std::string ready_target;
  CLI::App* ready_command = app.add_subcommand("ready", "Waits until dspex is healthy; prints when.");
  ready_command->add_option("--target", ready_target, "127.0.0.1:port")->required();

  CLI11_PARSE(app, argc, argv);
  if (*run_command) return Run(run);
  if (*program_command) {
    return Print("body_bytes", PrepareProgram(Connect(dspex_target, 1), Connect(floor_target, 1), id, demos));
  }
  if (*floor_command) return Print("body_bytes", PrepareFloor(Connect(floor_target, 1), bytes));
  return Print("ready_ns", WaitUntilReady(ready_target));
}

}  // namespace
}  // namespace dspex::bench

int main(int argc, char** argv) { return dspex::bench::Main(argc, argv); }
