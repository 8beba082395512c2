#pragma once

#include <absl/status/statusor.h>

#include <cstddef>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "engine/base/context.h"
#include "engine/json/json.h"
#include "engine/lm/language_model.h"
#include "engine/module/module.h"
#include "engine/program/graph.h"

namespace dspex {

/// Program::Forward of a program with steps. All but the context and `inputs` outlive the task.
Task<Prediction> RunGraph(const Graph& graph, const std::vector<std::unique_ptr<const Module>>& modules,
                          RequestContext context, Json inputs, const Sampling& call);

struct GraphRequest {
  const Graph::Step* step = nullptr;
  lm::RenderedRequest request;
};
/// The requests of the steps whose inputs come from the program and from the steps that completions are given for, each
/// behind those that it needs.
absl::StatusOr<std::vector<GraphRequest>> RenderGraph(const Graph& graph,
                                                      const std::vector<std::unique_ptr<const Module>>& modules,
                                                      const Json& inputs, const Sampling& call,
                                                      const std::map<std::string, std::string>& completions);

}  // namespace dspex
