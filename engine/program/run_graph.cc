#include "engine/program/run_graph.h"

#include <absl/strings/str_cat.h>

#include <algorithm>
#include <nlohmann/json.hpp>
#include <optional>
#include <utility>

#include "engine/base/error.h"
#include "engine/base/nearest.h"
#include "engine/base/reasons.h"
#include "engine/base/run_all.h"
#include "engine/base/semaphore.h"
#include "engine/json/utf8.h"
#include "engine/module/event.h"
#include "engine/module/module_trace.h"

namespace dspex {

namespace {

using Modules = std::vector<std::unique_ptr<const Module>>;
/// By step; empty until the step has ended.
using Predictions = std::vector<std::optional<Prediction>>;

constexpr std::size_t kMaxShown = 64;

absl::Status NoObject() {
  return Error(absl::StatusCode::kInvalidArgument, reason::kInvalidRequest,
               "The inputs are no JSON object. Give an object with a member for each input of the program.");
}

absl::Status UnknownInput(const Graph& graph, absl::string_view name) {
  const std::string shown = Shorten(name, kMaxShown);
  const std::string nearest = Nearest(name, graph.inputs);
  return Error(absl::StatusCode::kInvalidArgument, reason::kUnknownField,
               absl::StrCat("The program has no input ", shown, ". ",
                            nearest.empty() ? "Leave it out." : absl::StrCat("Did you mean ", nearest, "?")))
      .With("field", shown)
      .Violation(shown, "is no input of the program");
}

absl::Status MissingInput(const std::string& name) {
  return Error(absl::StatusCode::kInvalidArgument, reason::kMissingInput,
               absl::StrCat("The program's input ", name, " is missing. Give it a value."))
      .With("field", name)
      .Violation(name, "is missing");
}

const Graph::Input* FindInput(const Graph::Step& step, absl::string_view field) {
  const auto found = std::find_if(step.inputs.begin(), step.inputs.end(),
                                  [field](const Graph::Input& input) { return input.field == field; });
  return found == step.inputs.end() ? nullptr : &*found;
}

// What a module says of its input, said of the program's that it comes from.
absl::Status OfProgram(absl::Status status, const Graph::Step& step) {
  const std::string field = ErrorMetadata(status, "field");
  const Graph::Input* input = FindInput(step, field);
  if (input == nullptr || input->source.name == field) return WithMetadata(std::move(status), "step", step.id);
  Error error(status.code(), ErrorReason(status),
              absl::StrCat("The program's input ", input->source.name, ": ", status.message()));
  error.With("field", input->source.name).With("step", step.id);
  for (const char* key : {"path", "type", "rule"}) {
    if (const std::string value = ErrorMetadata(status, key); !value.empty()) error.With(key, value);
  }
  return std::move(error).Violation(input->source.name,
                                    absl::StrCat("does not fit the input ", field, " of the step ", step.id));
}

// What was wrong with an input that a model had answered is no fault of the caller's.
absl::Status OfStep(absl::Status status, const Graph& graph, const Graph::Step& step) {
  const Graph::Input* input = FindInput(step, ErrorMetadata(status, "field"));
  if (status.code() != absl::StatusCode::kInvalidArgument || input == nullptr || input->source.is_program()) {
    return WithMetadata(std::move(status), "step", step.id);
  }
  const std::string source = absl::StrCat(graph.steps[input->source.step].id, ".", input->source.name);
  return Error(absl::StatusCode::kDataLoss, reason::kCompletionUnparsable,
               absl::StrCat("The model's answer ", source, " does not fit the step ", step.id, ": ", status.message()))
      .With("field", input->field)
      .With("problem", "step_input")
      .With("step", step.id);
}

Json InputsOf(const Graph::Step& step, const Json& inputs, const Predictions& predictions) {
  Json values = Json::object();
  for (const Graph::Input& input : step.inputs) {
    if (!input.source.is_program() && !predictions[input.source.step].has_value()) continue;
    const Json& from = input.source.is_program() ? inputs : predictions[input.source.step]->outputs;
    const auto value = from.find(input.source.name);
    if (value != from.end()) values[input.field] = *value;
  }
  return values;
}

// Before anything is sent: what later steps take of the program is looked at too.
absl::Status CheckInputs(const Graph& graph, const Modules& modules, const Json& inputs) {
  if (!inputs.is_object()) return NoObject();
  for (const auto& member : inputs.items()) {
    if (std::find(graph.inputs.begin(), graph.inputs.end(), member.key()) == graph.inputs.end()) {
      return UnknownInput(graph, member.key());
    }
  }
  for (const std::string& name : graph.required) {
    if (!inputs.contains(name)) return MissingInput(name);
  }
  const Predictions none(graph.steps.size());
  for (const Graph::Step& step : graph.steps) {
    if (step.of_program.inputs().empty()) continue;
    absl::Status status = modules[step.module]->CheckInputs(step.of_program, InputsOf(step, inputs, none));
    if (!status.ok()) return OfProgram(std::move(status), step);
  }
  return absl::OkStatus();
}

Prediction Conclude(const Graph& graph, Predictions predictions) {
  Prediction whole;
  whole.outputs = Json::object();
  for (std::size_t i = 0; i < graph.steps.size(); ++i) {
    for (const std::string& warning : predictions[i]->warnings) {
      whole.warnings.push_back(absl::StrCat(graph.steps[i].id, ": ", warning));
    }
  }
  for (const Graph::Output& output : graph.outputs) {
    const Prediction& prediction = *predictions[output.source.step];
    const auto value = prediction.outputs.find(output.source.name);
    whole.outputs[output.name] = value == prediction.outputs.end() ? Json() : *value;
    if (!whole.reasoning.has_value()) whole.reasoning = prediction.reasoning;
  }
  return whole;
}

/// One run of a graph, on one executor.
class GraphRun {
 public:
  GraphRun(const Graph& graph, const Modules& modules, RequestContext context, Json inputs, const Sampling& call)
      : graph_(graph),
        modules_(modules),
        context_(context),
        inputs_(std::move(inputs)),
        call_(call),
        predictions_(graph.steps.size()) {
    for (const Graph::Step& step : graph.steps) missing_.push_back(step.needs.size());
  }

  Task<Prediction> Run() {
    absl::Status status = CheckInputs(graph_, modules_, inputs_);
    if (!status.ok()) co_return status;
    std::vector<std::size_t> ready;
    for (std::size_t i = 0; i < missing_.size(); ++i) {
      if (missing_[i] == 0) ready.push_back(i);
    }
    status = co_await RunFrom(std::move(ready));
    NoteCalls();
    if (!status.ok()) co_return status;
    co_return Conclude(graph_, std::move(predictions_));
  }

 private:
  /// Says of events which step they are of. Steps side by side take turns.
  class StepEvents final : public EventSink {
   public:
    StepEvents(GraphRun& run, absl::string_view step) : run_(run), step_(step) {}

    StatusTask Emit(Event event) override {
      event.step = step_;
      const absl::StatusOr<Semaphore::Permit> turn = co_await run_.turn_.Acquire(kNoDeadline);
      if (!turn.ok()) co_return turn.status();
      co_return co_await run_.context_.events()->Emit(std::move(event));
    }

   private:
    GraphRun& run_;
    const absl::string_view step_;
  };

  // Runs these steps side by side, and each goes on with those that it was the last to be waited for.
  StatusTask RunFrom(std::vector<std::size_t> ready) {
    while (ready.size() == 1) {
      const std::size_t step = ready.front();
      absl::Status status = co_await RunStep(step);
      if (!status.ok()) co_return status;
      ready.clear();
      for (const std::size_t next : graph_.steps[step].feeds) {
        if (--missing_[next] == 0) ready.push_back(next);
      }
    }
    std::vector<StatusTask> branches;
    for (const std::size_t step : ready) branches.push_back(RunFrom({step}));
    co_return co_await RunAll(std::move(branches));
  }

  StatusTask RunStep(std::size_t index) {
    const Graph::Step& step = graph_.steps[index];
    RequestContext child = context_.Child(step.id);
    StepEvents events(*this, step.id);
    if (context_.events() != nullptr) child.set_events(&events);
    absl::StatusOr<Prediction> prediction =
        co_await modules_[step.module]->Forward(child, InputsOf(step, inputs_, predictions_), call_);
    child.EndNode();
    if (!prediction.ok()) co_return OfStep(prediction.status(), graph_, step);
    predictions_[index] = *std::move(prediction);
    co_return absl::OkStatus();
  }

  // In one order, whichever step ended first: the same demos are made of them each time.
  void NoteCalls() {
    ModuleTrace* const calls = context_.record().calls;
    if (calls == nullptr) return;
    for (const std::size_t index : graph_.order) {
      if (!predictions_[index].has_value()) continue;
      const Graph::Step& step = graph_.steps[index];
      calls->calls.push_back({step.module, InputsOf(step, inputs_, predictions_), predictions_[index]->outputs});
    }
  }

  const Graph& graph_;
  const Modules& modules_;
  const RequestContext context_;
  const Json inputs_;
  const Sampling& call_;
  Predictions predictions_;
  // By step: how many of those that it needs have not ended.
  std::vector<std::size_t> missing_;
  Semaphore turn_{1};
};

}  // namespace

Task<Prediction> RunGraph(const Graph& graph, const Modules& modules, RequestContext context, Json inputs,
                          const Sampling& call) {
  GraphRun run(graph, modules, context, std::move(inputs), call);
  co_return co_await run.Run();
}

absl::StatusOr<std::vector<GraphRequest>> RenderGraph(const Graph& graph, const Modules& modules, const Json& inputs,
                                                      const Sampling& call,
                                                      const std::map<std::string, std::string>& completions) {
  if (absl::Status status = CheckInputs(graph, modules, inputs); !status.ok()) return status;
  std::vector<GraphRequest> requests;
  Predictions predictions(graph.steps.size());
  for (const std::size_t index : graph.order) {
    const Graph::Step& step = graph.steps[index];
    const auto is_known = [&predictions](std::size_t need) { return predictions[need].has_value(); };
    if (!std::all_of(step.needs.begin(), step.needs.end(), is_known)) continue;
    const Module& module = *modules[step.module];
    absl::StatusOr<lm::RenderedRequest> request = module.Render(InputsOf(step, inputs, predictions), call);
    if (!request.ok()) return OfStep(request.status(), graph, step);
    requests.push_back({&step, *std::move(request)});
    const auto completion = completions.find(step.id);
    if (completion == completions.end()) continue;
    absl::StatusOr<Prediction> prediction = module.Parse(completion->second);
    if (!prediction.ok()) return WithMetadata(prediction.status(), "step", step.id);
    predictions[index] = *std::move(prediction);
  }
  return requests;
}

}  // namespace dspex
