#include "engine/optimizer/bootstrap_few_shot.h"

#include <absl/strings/str_cat.h>

#include <algorithm>
#include <nlohmann/json.hpp>
#include <string>
#include <utility>

#include "engine/base/error.h"
#include "engine/base/reasons.h"
#include "engine/json/python_format.h"
#include "engine/optimizer/labeled_few_shot.h"
#include "engine/random/python_random.h"
#include "engine/signature/python_equals.h"

namespace dspex {

namespace {

bool HasOwnDemos(const ProgramParameters& parameters, const std::vector<std::size_t>& modules) {
  return std::any_of(modules.begin(), modules.end(), [&parameters](std::size_t module) {
    const std::vector<Json>& demos = parameters[module].demos;
    return std::any_of(demos.begin(), demos.end(), [](const Json& demo) {
      const auto augmented = demo.find("augmented");
      return augmented != demo.end() && *augmented == true;
    });
  });
}

Json DemoOf(const ModuleCall& call) {
  Json demo = Json::object();
  demo["augmented"] = true;
  for (const Json* side : {&call.inputs, &call.outputs}) {
    for (const auto& [name, value] : side->items()) demo[name] = value;
  }
  return demo;
}

// The making of one candidate.
class Bootstrapping {
 public:
  Bootstrapping(const Optimization& run, BootstrapSettings settings, const std::vector<std::int64_t>& order)
      : run_(run), settings_(settings), order_(order), teacher_(run.teacher()), demos_(run.student().size()) {}

  Task<ProgramParameters> Run(RequestContext context) {
    absl::Status status = co_await PrepareTeacher();
    if (!status.ok()) co_return status;
    std::vector<std::int64_t> labeled;
    int found = 0;
    for (const std::int64_t index : order_) {
      bool success = false;
      if (found < settings_.max_bootstrapped_demos) {
        absl::StatusOr<bool> tried = co_await TryExample(context, index);
        if (!tried.ok()) co_return tried.status();
        success = *tried;
      }
      if (success) {
        ++found;
      } else {
        labeled.push_back(index);
      }
    }
    co_return co_await Student(std::move(labeled));
  }

 private:
  StatusTask PrepareTeacher() {
    if (settings_.max_labeled_demos == 0 || HasOwnDemos(teacher_, run_.learnable())) co_return absl::OkStatus();
    absl::StatusOr<ProgramParameters> labeled =
        co_await WithLabeledDemos(run_, std::move(teacher_), order_, settings_.max_labeled_demos, /*sample=*/true);
    if (!labeled.ok()) co_return labeled.status();
    teacher_ = *std::move(labeled);
    co_return absl::OkStatus();
  }

  Task<bool> TryExample(RequestContext context, std::int64_t index) {
    const absl::StatusOr<Example> example = co_await run_.ports().trainset->Get(index);
    if (!example.ok()) co_return example.status();
    for (int round = 0; round < settings_.max_rounds; ++round) {
      absl::StatusOr<ExampleOutcome> outcome = co_await Teach(context, *example, index, round);
      if (!outcome.ok()) co_return outcome.status();
      const absl::StatusOr<bool> success = Judge(*outcome, *example, round);
      if (!success.ok() || *success) co_return success;
    }
    co_return false;
  }

  // Has the teacher answer an example that it has not seen.
  Task<ExampleOutcome> Teach(RequestContext context, const Example& example, std::int64_t index, int round) {
    CandidateRun run{.lane = absl::StrCat("bootstrap ", run_.next_candidate(), " round ", round),
                     .teacher = true,
                     .parameters = teacher_,
                     .examples = run_.ports().trainset,
                     .indices = std::vector<std::int64_t>{index},
                     .capture_traces = true};
    for (const std::size_t module : run_.learnable()) {
      std::erase_if(run.parameters[module].demos,
                    [&example](const Json& demo) { return PythonEquals(demo, example.fields); });
    }
    if (round > 0) {
      run.call.options.temperature = 1.0;
      run.call.options.rollout_id = round;
    }
    absl::StatusOr<std::vector<ExampleOutcome>> outcomes =
        co_await run_.ports().evaluator->EvaluateCandidate(context, run);
    if (!outcomes.ok()) co_return outcomes.status();
    if (outcomes->size() != 1) {
      co_return Error(absl::StatusCode::kInternal, reason::kInternal, "An example was evaluated without an outcome.");
    }
    // As in DSPy, a teacher that failed does not get the demo back, for later examples either.
    if (outcomes->front().outputs.is_null()) teacher_ = std::move(run.parameters);
    co_return std::move(outcomes->front());
  }

  absl::StatusOr<bool> Judge(const ExampleOutcome& outcome, const Example& example, int round) {
    if (!outcome.status.ok()) {
      const bool by_metric = !outcome.outputs.is_null();
      run_.Decide(example.id, "not a demo",
                  absl::StrCat(by_metric ? "its metric failed" : "the teacher failed", InRound(round), ": ",
                               outcome.status.message()));
      return CountFailure(outcome.status);
    }
    const double threshold = settings_.metric_threshold;
    const bool success = threshold != 0 ? outcome.score >= threshold : outcome.score != 0;
    std::string why = absl::StrCat("the teacher's score is ", PythonStr(outcome.score), InRound(round));
    if (threshold != 0) absl::StrAppend(&why, success ? ", at least " : ", below ", PythonStr(threshold));
    run_.Decide(example.id, success ? "demo" : "not a demo", why);
    if (success) Keep(outcome.trace);
    return success;
  }

  std::string InRound(int round) const {
    return settings_.max_rounds == 1 ? "" : absl::StrCat(" in round ", round + 1);
  }

  absl::StatusOr<bool> CountFailure(const absl::Status& status) {
    ++failures_;
    if (run_.max_errors() < 0 || failures_ < run_.max_errors()) return false;
    return Error(absl::StatusCode::kFailedPrecondition, reason::kTooManyFailures,
                 absl::StrCat("While demonstrations were bootstrapped, ", failures_,
                              " tries failed, as many as max_errors allows. Look at the failures; the last one is: ",
                              status.message()))
        .With("failures", failures_)
        .With("reason", ErrorReason(status));
  }

  void Keep(const ModuleTrace& trace) {
    for (const std::size_t module : run_.learnable()) {
      const auto last = std::find_if(trace.calls.rbegin(), trace.calls.rend(),
                                     [module](const ModuleCall& call) { return call.module == module; });
      if (last != trace.calls.rend()) demos_[module].push_back(DemoOf(*last));
    }
  }

  // The student with what was found; what is left of the examples fills up.
  Task<ProgramParameters> Student(std::vector<std::int64_t> labeled) {
    PythonRandom(0).Shuffle(labeled);
    PythonRandom random(0);
    ProgramParameters student = run_.ResetStudent();
    for (const std::size_t module : run_.learnable()) {
      std::vector<Json>& demos = student[module].demos;
      demos = std::move(demos_[module]);
      const auto most = static_cast<std::size_t>(settings_.max_bootstrapped_demos);
      if (demos.size() > most) demos.resize(most);
      const auto room = static_cast<std::size_t>(settings_.max_labeled_demos);
      const std::size_t count = std::min(room - std::min(room, demos.size()), labeled.size());
      for (const std::int64_t index : random.Sample(labeled, count)) {
        absl::StatusOr<Example> example = co_await run_.ports().trainset->Get(index);
        if (!example.ok()) co_return example.status();
        run_.Decide(example->id, "demo", absl::StrCat("a labelled example, drawn for ", student[module].module));
        demos.push_back(std::move(example->fields));
      }
    }
    co_return student;
  }

  const Optimization& run_;
  const BootstrapSettings settings_;
  const std::vector<std::int64_t>& order_;
  ProgramParameters teacher_;
  // By module.
  std::vector<std::vector<Json>> demos_;
  int failures_ = 0;
};

class BootstrapFewShot final : public Optimizer {
 public:
  explicit BootstrapFewShot(BootstrapFewShotSettings settings) : settings_(std::move(settings)) {}

  Task<OptimizerResult> Run(RequestContext context, const OptimizerPorts& ports) const override {
    absl::StatusOr<Optimization> run = Optimization::Start(ports, settings_.common);
    if (!run.ok()) co_return run.status();
    run->Phase("bootstrap");
    const std::vector<std::int64_t> order = InOrder(ports.trainset->size());
    absl::StatusOr<ProgramParameters> parameters = co_await Bootstrap(context, *run, settings_.bootstrap, order);
    if (!parameters.ok()) co_return parameters.status();
    const int number = run->Add("bootstrap", *std::move(parameters));
    co_return run->Finish(static_cast<std::size_t>(number));
  }

 private:
  const BootstrapFewShotSettings settings_;
};

}  // namespace

Task<ProgramParameters> Bootstrap(RequestContext context, const Optimization& run, BootstrapSettings settings,
                                  const std::vector<std::int64_t>& order) {
  Bootstrapping bootstrapping(run, settings, order);
  co_return co_await bootstrapping.Run(context);
}

std::unique_ptr<Optimizer> MakeBootstrapFewShot(BootstrapFewShotSettings settings) {
  return std::make_unique<BootstrapFewShot>(std::move(settings));
}

}  // namespace dspex
