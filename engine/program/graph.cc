#include "engine/program/graph.h"

#include <absl/strings/str_cat.h>
#include <absl/strings/str_join.h>

#include <algorithm>
#include <map>
#include <utility>

#include "dspex/v1/program.pb.h"
#include "engine/base/error.h"
#include "engine/base/nearest.h"
#include "engine/base/reasons.h"
#include "engine/json/utf8.h"
#include "engine/program/validate.h"
#include "engine/signature/coerce.h"

namespace dspex {

namespace {

constexpr std::size_t kMaxShown = 64;

// "Did you mean that?", or what there is.
std::string Advice(absl::string_view name, const std::vector<std::string>& names) {
  const std::string nearest = Nearest(name, names);
  if (!nearest.empty()) return absl::StrCat(" Did you mean ", nearest, "?");
  return names.empty() ? "" : absl::StrCat(" Give one of: ", Shorten(absl::StrJoin(names, ", "), 4 * kMaxShown), ".");
}

class GraphReader {
 public:
  GraphReader(const v1::Program& program, const std::vector<std::unique_ptr<const Module>>& modules)
      : program_(program), modules_(modules) {}

  absl::StatusOr<Graph> Read() {
    // A step may name one that stands behind it, so modules are found first.
    for (int i = 0; i < program_.steps_size(); ++i) {
      if (absl::Status status = FindModule(i); !status.ok()) return status;
    }
    for (std::size_t i = 0; i < graph_.steps.size(); ++i) {
      if (absl::Status status = ReadInputs(i); !status.ok()) return status;
    }
    if (absl::Status status = Order(); !status.ok()) return status;
    if (absl::Status status = ReadOutputs(); !status.ok()) return status;
    return std::move(graph_);
  }

 private:
  const Module& ModuleOf(const Graph::Step& step) const { return *modules_[step.module]; }

  absl::Status FindModule(int index) {
    const v1::Step& step = program_.steps(index);
    std::vector<std::string> ids;
    for (const auto& module : modules_) ids.push_back(module->id());
    const auto found = std::find(ids.begin(), ids.end(), step.module());
    if (found == ids.end()) {
      return InvalidField(absl::StrCat("steps[", index, "].module"),
                          absl::StrCat("names no module of the program: '", Shorten(step.module(), kMaxShown), "'.",
                                       Advice(step.module(), ids)));
    }
    const auto module = static_cast<std::size_t>(found - ids.begin());
    graph_.steps.push_back({.id = step.id(),
                            .module = module,
                            .inputs = {},
                            .of_program = modules_[module]->signature(),
                            .needs = {},
                            .feeds = {}});
    steps_.emplace(step.id(), graph_.steps.size() - 1);
    return absl::OkStatus();
  }

  // "step.field", or the name of an input of the program where those are allowed.
  absl::StatusOr<Graph::Source> Resolve(const std::string& reference, absl::string_view path) const {
    const std::size_t dot = reference.find('.');
    const std::string step = reference.substr(0, dot);
    const auto found = steps_.find(step);
    if (found == steps_.end()) {
      std::vector<std::string> ids;
      for (const auto& [id, index] : steps_) ids.push_back(id);
      return InvalidField(path, absl::StrCat("is '", Shorten(reference, kMaxShown), "', and there is no step '",
                                             Shorten(step, kMaxShown), "'.", Advice(step, ids)));
    }
    const Module& module = ModuleOf(graph_.steps[found->second]);
    std::string field = reference.substr(dot + 1);
    if (module.signature().FindOutput(field) == nullptr) {
      return InvalidField(path, absl::StrCat("is '", Shorten(reference, kMaxShown), "', and the module '", module.id(),
                                             "' has no output '", Shorten(field, kMaxShown), "'.",
                                             Advice(field, FieldNames(module.signature().outputs()))));
    }
    return Graph::Source{found->second, std::move(field)};
  }

  absl::Status ReadInputs(std::size_t index) {
    const v1::Step& definition = program_.steps(static_cast<int>(index));
    const Signature& signature = ModuleOf(graph_.steps[index]).signature();
    const std::string path = absl::StrCat("steps[", index, "].inputs");
    for (const auto& [field, reference] : definition.inputs()) {
      if (signature.FindInput(field) != nullptr) continue;
      return InvalidField(path,
                          absl::StrCat("has '", Shorten(field, kMaxShown), "', and the module '", definition.module(),
                                       "' has no such input.", Advice(field, FieldNames(signature.inputs()))));
    }
    for (const Field& field : signature.inputs()) {
      const auto given = definition.inputs().find(field.name);
      if (given != definition.inputs().end()) {
        absl::Status status = ReadInput(index, field, given->second, absl::StrCat(path, ".", field.name));
        if (!status.ok()) return status;
      } else if (IsRequired(field)) {
        return InvalidField(path, absl::StrCat("lacks '", field.name, "', an input of the module '",
                                               definition.module(), "'. Give an input of the program or step.field."));
      }
    }
    return absl::OkStatus();
  }

  absl::Status ReadInput(std::size_t index, const Field& field, const std::string& reference, absl::string_view path) {
    Graph::Step& step = graph_.steps[index];
    if (reference.find('.') == std::string::npos) {
      // Named as fields are.
      absl::StatusOr<Signature> named = Signature::FromFields({MakeField(reference, Type())}, {});
      if (!named.ok()) {
        return InvalidField(path, absl::StrCat("is '", Shorten(reference, kMaxShown),
                                               "', which is no name of an input. Give one, or step.field."));
      }
      step.inputs.push_back({field.name, {Graph::Source::kProgram, reference}});
      AddOnce(graph_.inputs, reference);
      if (IsRequired(field)) AddOnce(graph_.required, reference);
      return absl::OkStatus();
    }
    absl::StatusOr<Graph::Source> source = Resolve(reference, path);
    if (!source.ok()) return source.status();
    AddOnce(step.needs, source->step);
    AddOnce(graph_.steps[source->step].feeds, index);
    step.of_program = step.of_program.Delete(field.name);
    step.inputs.push_back({field.name, *std::move(source)});
    return absl::OkStatus();
  }

  template <typename T>
  static void AddOnce(std::vector<T>& all, const T& one) {
    if (std::find(all.begin(), all.end(), one) == all.end()) all.push_back(one);
  }

  absl::Status Order() {
    std::vector<std::size_t> way;
    std::vector<bool> ordered(graph_.steps.size());
    for (std::size_t i = 0; i < graph_.steps.size(); ++i) {
      if (absl::Status status = Visit(i, way, ordered); !status.ok()) return status;
    }
    return absl::OkStatus();
  }

  // `way`: the steps that wait for this one. As deep as there are steps, which are bounded.
  absl::Status Visit(std::size_t index, std::vector<std::size_t>& way, std::vector<bool>& ordered) {
    if (ordered[index]) return absl::OkStatus();
    const auto before = std::find(way.begin(), way.end(), index);
    if (before != way.end()) return Cycle({before, way.end()});
    way.push_back(index);
    for (const std::size_t need : graph_.steps[index].needs) {
      if (absl::Status status = Visit(need, way, ordered); !status.ok()) return status;
    }
    way.pop_back();
    ordered[index] = true;
    graph_.order.push_back(index);
    return absl::OkStatus();
  }

  // Told in the direction in which values would go.
  absl::Status Cycle(std::vector<std::size_t> way) const {
    std::reverse(way.begin(), way.end());
    std::rotate(way.begin(), std::min_element(way.begin(), way.end()), way.end());
    way.push_back(way.front());
    const std::string shown =
        absl::StrJoin(way, " -> ", [this](std::string* out, std::size_t step) { out->append(graph_.steps[step].id); });
    absl::Status status = InvalidField(
        absl::StrCat("steps[", way.front(), "].inputs"),
        absl::StrCat("makes the step wait for itself: ", shown, ". Take one of these inputs from somewhere else."));
    return WithMetadata(std::move(status), "cycle", shown);
  }

  absl::Status ReadOutputs() {
    const std::map<std::string, std::string> by_name(program_.outputs().begin(), program_.outputs().end());
    for (const auto& [name, reference] : by_name) {
      const std::string path = absl::StrCat("outputs.", Shorten(name, kMaxShown));
      if (!Signature::FromFields({}, {MakeField(name, Type())}).ok()) {
        return InvalidField(path, "is no name of an output. Give one as fields have.");
      }
      if (reference.find('.') == std::string::npos) {
        return InvalidField(path, absl::StrCat("is '", Shorten(reference, kMaxShown),
                                               "', which is no output of a step. Write step.field."));
      }
      absl::StatusOr<Graph::Source> source = Resolve(reference, path);
      if (!source.ok()) return source.status();
      graph_.outputs.push_back({name, *std::move(source)});
    }
    return absl::OkStatus();
  }

  const v1::Program& program_;
  const std::vector<std::unique_ptr<const Module>>& modules_;
  std::map<std::string, std::size_t> steps_;
  Graph graph_;
};

}  // namespace

absl::StatusOr<Graph> ReadGraph(const v1::Program& program, const std::vector<std::unique_ptr<const Module>>& modules) {
  return GraphReader(program, modules).Read();
}

}  // namespace dspex
