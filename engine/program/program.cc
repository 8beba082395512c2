#include "engine/program/program.h"

#include <absl/strings/str_cat.h>
#include <absl/strings/str_join.h>

#include <algorithm>
#include <utility>

#include "dspex/v1/program.pb.h"
#include "engine/base/error.h"
#include "engine/base/proto_duration.h"
#include "engine/base/reasons.h"
#include "engine/module/module_trace.h"
#include "engine/program/build_module.h"
#include "engine/program/run_graph.h"
#include "engine/program/validate.h"

namespace dspex {

namespace {

Clock::duration ReadTimeout(const v1::Program& program) {
  if (!program.has_timeout()) return Clock::duration::max();
  return ReadDuration(program.timeout());
}

}  // namespace

absl::StatusOr<std::shared_ptr<const Program>> Program::Create(const v1::Program& definition,
                                                               const ProgramEnvironment& environment) {
  if (absl::Status status = ValidateProgram(definition); !status.ok()) return status;
  absl::StatusOr<std::shared_ptr<const Phrasebook>> phrasebook = FindPhrasebook(definition, environment);
  if (!phrasebook.ok()) return phrasebook.status();
  Modules modules;
  for (const v1::Module& one : definition.modules()) {
    absl::StatusOr<std::unique_ptr<const Module>> module = BuildModule(one, definition, *phrasebook, environment);
    if (!module.ok()) return WithFieldPrefix(module.status(), absl::StrCat("modules[", modules.size(), "]"));
    modules.push_back(*std::move(module));
  }
  std::unique_ptr<const Graph> graph;
  if (!definition.steps().empty()) {
    absl::StatusOr<Graph> read = ReadGraph(definition, modules);
    if (!read.ok()) return read.status();
    graph = std::make_unique<const Graph>(*std::move(read));
  }
  return std::shared_ptr<const Program>(new Program(std::move(modules), std::move(graph), ReadTimeout(definition)));
}

namespace {

absl::Status CheckCompletions(const Graph* graph, const Program::Completions& completions) {
  for (const auto& [id, text] : completions) {
    const auto is_its = [&id = id](const Graph::Step& step) { return step.id == id; };
    if (graph != nullptr && std::any_of(graph->steps.begin(), graph->steps.end(), is_its)) continue;
    return Error(absl::StatusCode::kInvalidArgument, reason::kInvalidRequest,
                 "A completion is given for a step that the program does not have. Name one of its steps.")
        .Violation("completions", "names no step of the program");
  }
  return absl::OkStatus();
}

absl::Status NamesNoModule(absl::string_view module, const std::vector<std::unique_ptr<const Module>>& modules) {
  const std::string ids = absl::StrJoin(
      modules, ", ", [](std::string* out, const std::unique_ptr<const Module>& one) { out->append(one->id()); });
  const std::string problem = module.empty() ? "The program has several modules, and none is named."
                                             : absl::StrCat("The program has no module '", module, "'.");
  return Error(absl::StatusCode::kInvalidArgument, reason::kInvalidRequest,
               absl::StrCat(problem, " Name one that it has: ", ids, "."))
      .With("module", module)
      .With("modules", ids)
      .Violation("module", "names no module of the program");
}

}  // namespace

std::vector<std::string> Program::InputNames() const {
  return graph_ == nullptr ? FieldNames(only().signature().inputs()) : graph_->inputs;
}

std::vector<std::string> Program::OutputNames() const {
  if (graph_ == nullptr) return FieldNames(only().signature().outputs());
  std::vector<std::string> names;
  for (const Graph::Output& output : graph_->outputs) names.push_back(output.name);
  return names;
}

Task<Prediction> Program::Forward(RequestContext context, Json inputs, const Sampling& call) const {
  if (graph_ != nullptr) return RunGraph(*graph_, modules_, context, std::move(inputs), call);
  // Where nothing is to be noted, a coroutine less is paid for.
  if (!context.record().keep_trace && context.record().calls == nullptr) {
    return only().Forward(context, std::move(inputs), call);
  }
  return ForwardNoted(context, std::move(inputs), call);
}

Task<Prediction> Program::ForwardNoted(RequestContext context, Json inputs, const Sampling& call) const {
  const RequestContext child = context.Child(only().id());
  ModuleTrace* const calls = context.record().calls;
  ModuleCall noted;
  if (calls != nullptr) noted.inputs = inputs;
  absl::StatusOr<Prediction> prediction = co_await only().Forward(child, std::move(inputs), call);
  child.EndNode();
  if (calls != nullptr && prediction.ok()) {
    noted.outputs = prediction->outputs;
    calls->calls.push_back(std::move(noted));
  }
  co_return prediction;
}

absl::StatusOr<std::vector<Program::Rendered>> Program::Render(Json inputs, const Sampling& call,
                                                               const Completions& completions) const {
  std::vector<Rendered> rendered;
  if (absl::Status status = CheckCompletions(graph_.get(), completions); !status.ok()) return status;
  if (graph_ == nullptr) {
    absl::StatusOr<lm::RenderedRequest> request = only().Render(std::move(inputs), call);
    if (!request.ok()) return request.status();
    rendered.push_back({"", only().id(), only().lm_name(), *std::move(request)});
    return rendered;
  }
  absl::StatusOr<std::vector<GraphRequest>> requests = RenderGraph(*graph_, modules_, inputs, call, completions);
  if (!requests.ok()) return requests.status();
  for (GraphRequest& one : *requests) {
    const Module& module = *modules_[one.step->module];
    rendered.push_back({one.step->id, module.id(), module.lm_name(), std::move(one.request)});
  }
  return rendered;
}

absl::StatusOr<Prediction> Program::Parse(absl::string_view module, absl::string_view completion) const {
  if (module.empty() && modules_.size() == 1) return only().Parse(completion);
  for (const std::unique_ptr<const Module>& one : modules_) {
    if (one->id() == module) return one->Parse(completion);
  }
  return NamesNoModule(module, modules_);
}

}  // namespace dspex
