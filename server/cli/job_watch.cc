#include "server/cli/job_watch.h"

#include <absl/strings/str_cat.h>
#include <absl/strings/str_format.h>
#include <absl/time/clock.h>
#include <absl/time/time.h>
#include <google/protobuf/util/time_util.h>
#include <grpcpp/client_context.h>
#include <signal.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <iostream>
#include <thread>
#include <utility>

#include "server/cli/table.h"

namespace dspex::cli {

namespace {

constexpr int kBarWidth = 24;
constexpr int kReconnects = 20;

/// Whether Ctrl-C was pressed. A signal handler may do no more than this.
std::atomic<bool> interrupted{false};
void OnInterrupt(int) { interrupted.store(true); }

/// Takes Ctrl-C while it lives.
class InterruptGuard {
 public:
  InterruptGuard() {
    interrupted.store(false);
    struct sigaction action{};
    action.sa_handler = OnInterrupt;
    ::sigaction(SIGINT, &action, &before_);
  }
  ~InterruptGuard() { ::sigaction(SIGINT, &before_, nullptr); }
  InterruptGuard(const InterruptGuard&) = delete;
  InterruptGuard& operator=(const InterruptGuard&) = delete;

 private:
  struct sigaction before_{};
};

/// One line on standard error that is written anew as the job gets on.
class ProgressLine {
 public:
  ~ProgressLine() { Clear(); }

  void Show(const v1::JobProgress& progress, const std::string& cost) {
    if (!terminal_) return;
    const std::int64_t total = std::max<std::int64_t>(progress.total(), 1);
    const auto filled = static_cast<int>(std::min<std::int64_t>(kBarWidth, progress.scored() * kBarWidth / total));
    std::string line = absl::StrCat("[", std::string(static_cast<std::size_t>(filled), '#'),
                                    std::string(static_cast<std::size_t>(kBarWidth - filled), ' '), "] ",
                                    progress.scored(), "/", progress.total(), "  ", progress.phase());
    if (progress.has_score()) absl::StrAppendFormat(&line, "  score %.2f", progress.score());
    if (progress.candidates_total() > 0) {
      absl::StrAppend(&line, "  candidates ", progress.candidates_scored(), "/", progress.candidates_total());
    }
    if (!cost.empty()) absl::StrAppend(&line, "  $", cost);
    if (progress.has_expected_end_time()) {
      const auto seconds =
          progress.expected_end_time().seconds() - google::protobuf::util::TimeUtil::GetCurrentTime().seconds();
      absl::StrAppend(&line, "  ", std::max<std::int64_t>(0, seconds), " s left");
    }
    std::cerr << "\r\x1b[K" << Cut(line, 110) << std::flush;
    shown_ = true;
  }

  /// A line that stays, above the bar.
  void Print(const std::string& text) {
    Clear();
    std::cerr << Printable(text) << "\n";
  }

 private:
  void Clear() {
    if (std::exchange(shown_, false)) std::cerr << "\r\x1b[K" << std::flush;
  }

  const bool terminal_ = ::isatty(STDERR_FILENO) != 0;
  bool shown_ = false;
};

std::string CandidateText(const v1::Candidate& candidate) {
  std::string text = absl::StrCat("candidate ", candidate.number(), " (", candidate.origin(), ")");
  if (candidate.has_score()) absl::StrAppendFormat(&text, ": %.2f", candidate.score());
  return text;
}

/// Shows one event.
void Show(const v1::JobEvent& event, ProgressLine& line, v1::JobProgress& progress, std::string& cost) {
  switch (event.event_case()) {
    case v1::JobEvent::kProgress:
      progress = event.progress();
      break;
    case v1::JobEvent::kSpending:
      cost = event.spending().usage().cost();
      break;
    case v1::JobEvent::kCandidate:
      if (event.candidate().has_score()) line.Print(CandidateText(event.candidate()));
      break;
    case v1::JobEvent::kWaiting:
      line.Print(absl::StrCat("waits: ", event.waiting().message()));
      break;
    default:
      break;
  }
  line.Show(progress, cost);
}

/// Reads events until the stream ends; false on Ctrl-C.
bool ReadEvents(const Session& session, v1::OptimizerService::Stub& stub, const std::string& name, std::int64_t& after,
                ProgressLine& line, grpc::Status& status) {
  grpc::ClientContext context;
  v1::WatchJobRequest request;
  request.set_name(name);
  request.set_after_event(after);
  std::atomic<bool> done{false};
  // A blocking read does not see a signal.
  std::thread watch([&] {
    while (!done.load() && !interrupted.load()) std::this_thread::sleep_for(std::chrono::milliseconds(50));
    if (interrupted.load()) context.TryCancel();
  });
  auto stream = stub.WatchJob(&context, request);
  v1::WatchJobResponse response;
  v1::JobProgress progress;
  std::string cost;
  while (stream->Read(&response)) {
    after = response.event().number();
    if (session.json) {
      session.PrintJsonLine(response.event());
    } else {
      Show(response.event(), line, progress, cost);
    }
  }
  status = stream->Finish();
  done.store(true);
  watch.join();
  return !interrupted.load();
}

}  // namespace

std::optional<v1::Job> WatchToEnd(const Session& session, v1::OptimizerService::Stub& stub, const std::string& name,
                                  bool cancel, int& exit_code) {
  const InterruptGuard guard;
  ProgressLine line;
  std::int64_t after = 0;
  grpc::Status status;
  for (int attempt = 0; attempt < kReconnects; ++attempt) {
    const std::int64_t before = after;
    if (!ReadEvents(session, stub, name, after, line, status)) {
      if (cancel) {
        v1::CancelJobRequest request;
        request.set_name(name);
        v1::CancelJobResponse response;
        const grpc::Status cancelled = stub.CancelJob(session.NewContext().get(), request, &response);
        line.Print(cancelled.ok() ? absl::StrCat("cancelled ", name) : cancelled.error_message());
      } else {
        line.Print(absl::StrCat(name, " goes on without us: dspex jobs watch ", name.substr(5)));
      }
      exit_code = kFailure;
      return std::nullopt;
    }
    if (status.ok()) break;
    if (status.error_code() != grpc::StatusCode::UNAVAILABLE) break;
    if (after > before) attempt = 0;
    std::this_thread::sleep_for(std::chrono::milliseconds(500));
  }
  if (!status.ok()) {
    exit_code = session.Failed(status);
    return std::nullopt;
  }
  v1::GetJobRequest request;
  request.set_name(name);
  v1::GetJobResponse response;
  status = stub.GetJob(session.NewContext().get(), request, &response);
  if (!status.ok()) {
    exit_code = session.Failed(status);
    return std::nullopt;
  }
  return std::move(*response.mutable_job());
}

int PrintName(const Session& session, const v1::Job& job) {
  if (session.json) return session.PrintJson(job);
  std::cout << job.name() << "\n";
  return kSuccess;
}

int PrintEstimate(const Session& session, const google::protobuf::Message& response, const v1::Estimate& estimate) {
  if (session.json) return session.PrintJson(response);
  std::cout << "about " << estimate.lm_calls() << " calls, " << estimate.input_tokens() << " + "
            << estimate.output_tokens() << " tokens"
            << (estimate.cost().empty() ? ", no price for its models" : absl::StrCat(", $", estimate.cost())) << "\n";
  return kSuccess;
}

std::string StateText(const v1::Job& job) { return v1::JobState_Name(job.state()).substr(sizeof("JOB_STATE_") - 1); }

std::string SpendingText(const v1::Job& job) {
  for (const v1::Spending& spending : job.spending()) {
    if (spending.line() != v1::BUDGET_LINE_UNSPECIFIED) continue;
    const v1::Usage& usage = spending.usage();
    std::string text =
        absl::StrCat(usage.lm_calls(), " calls, ", usage.input_tokens() + usage.output_tokens(), " tokens");
    if (!usage.cost().empty()) absl::StrAppend(&text, ", $", usage.cost());
    return text;
  }
  return "nothing";
}

std::string ScoreText(const v1::EvaluateResult& result) {
  return absl::StrFormat("%.2f (%.2f to %.2f)", result.score(), result.interval().low(), result.interval().high());
}

int PrintJob(const Session& session, const v1::Job& job) {
  const int code = job.state() == v1::JOB_STATE_SUCCEEDED ? kSuccess : kFailure;
  if (session.json) {
    session.PrintJson(job);
    return code;
  }
  std::vector<std::pair<std::string, std::string>> fields = {{"job", job.name()}, {"state", StateText(job)}};
  if (job.has_error()) fields.emplace_back("error", job.error().message());
  if (job.has_evaluate_result()) {
    const v1::EvaluateResult& result = job.evaluate_result();
    fields.emplace_back("score", ScoreText(result));
    fields.emplace_back("examples", absl::StrCat(result.count(), ", ", result.failures(), " failed"));
    if (result.repeat_scores_size() > 0) {
      fields.emplace_back("repeats", absl::StrFormat("%d, standard deviation %.2f", result.repeat_scores_size(),
                                                     result.repeat_deviation()));
    }
  }
  if (job.has_compile_result()) {
    const v1::CompileResult& result = job.compile_result();
    fields.emplace_back("result", result.program().empty() ? "the program as it was" : result.program());
    if (result.has_before()) fields.emplace_back("before", ScoreText(result.before()));
    if (result.has_after()) fields.emplace_back("after", ScoreText(result.after()));
    if (result.has_gain()) {
      fields.emplace_back("gain", absl::StrFormat("%+.2f to %+.2f on the %s", result.gain().low(), result.gain().high(),
                                                  result.reported_on()));
    }
    if (!result.promotion().empty()) fields.emplace_back("label", result.promotion());
  }
  if (job.stop_reason() == v1::STOP_REASON_BUDGET) fields.emplace_back("stopped", "a budget was spent");
  if (job.stop_reason() == v1::STOP_REASON_SCORE) fields.emplace_back("stopped", "a candidate reached the score");
  fields.emplace_back("spent", SpendingText(job));
  std::cout << FieldList(fields);
  return code;
}

}  // namespace dspex::cli
