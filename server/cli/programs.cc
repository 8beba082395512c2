#include <absl/strings/str_cat.h>
#include <absl/strings/str_join.h>
#include <grpcpp/channel.h>
#include <grpcpp/client_context.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <iostream>
#include <map>
#include <memory>
#include <utility>
#include <vector>

#include "dspex/v1/program_service.grpc.pb.h"
#include "engine/state/program_predictors.h"
#include "server/cli/definition.h"
#include "server/cli/pages.h"
#include "server/cli/session.h"
#include "server/cli/table.h"
#include "server/cli/values.h"

namespace dspex::cli {

namespace {

/// The labels that point at `revision`; with `revision` 0 all, each with its revision.
std::string Labels(const v1::Program& program, std::int64_t revision) {
  std::vector<std::string> labels;
  for (const auto& [label, target] : program.labels()) {
    if (revision == 0) labels.push_back(absl::StrCat(label, "=", target));
    if (revision != 0 && target == revision) labels.push_back(label);
  }
  std::sort(labels.begin(), labels.end());
  return absl::StrJoin(labels, " ");
}

std::string Modules(const v1::Program& program) {
  return absl::StrJoin(program.modules(), "; ",
                       [](std::string* out, const v1::Module& module) { out->append(Summary(module)); });
}

int List(const Session& session) {
  const auto stub = v1::ProgramService::NewStub(session.Connect());
  v1::ListProgramsResponse all;
  v1::ListProgramsRequest request;
  const grpc::Status status = ReadPages<v1::ListProgramsResponse>(
      session, request, [&stub](auto&&... call) { return stub->ListPrograms(call...); },
      [&all](v1::ListProgramsResponse& page) {
        for (auto& program : *page.mutable_programs()) all.add_programs()->Swap(&program);
      });
  if (!status.ok()) return session.Failed(status);
  if (session.json) return session.PrintJson(all);
  Table table({"NAME", "REVISION", "LABELS", "MODEL", "MODULES", "UPDATED"});
  for (const v1::Program& program : all.programs()) {
    table.Add({program.name(), absl::StrCat(program.revision()), Labels(program, 0), program.lm(), Modules(program),
               TimeText(program.update_time())});
  }
  std::cout << table.ToString();
  return kSuccess;
}

/// The steps with what they take, and the outputs.
std::string Steps(const v1::Program& program) {
  const auto wires = [](const google::protobuf::Map<std::string, std::string>& map) {
    const std::map<std::string, std::string> sorted(map.begin(), map.end());
    return absl::StrJoin(sorted, ", ", absl::PairFormatter("="));
  };
  Table steps({"STEP", "MODULE", "TAKES"});
  for (const v1::Step& step : program.steps()) steps.Add({step.id(), step.module(), wires(step.inputs())});
  return absl::StrCat(steps.ToString(), "outputs: ", wires(program.outputs()), "\n");
}

int PrintProgram(const v1::Program& program) {
  std::vector<std::pair<std::string, std::string>> fields = {{"name", program.name()},
                                                             {"revision", absl::StrCat(program.revision())},
                                                             {"labels", Labels(program, 0)},
                                                             {"model", program.lm()},
                                                             {"description", program.description()},
                                                             {"created", TimeText(program.create_time())},
                                                             {"updated", TimeText(program.update_time())},
                                                             {"etag", program.etag()}};
  fields.erase(std::remove_if(fields.begin(), fields.end(), [](const auto& field) { return field.second.empty(); }),
               fields.end());
  Table modules({"MODULE", "WHAT", "DEMOS", "MODEL"});
  for (const v1::Module& module : program.modules()) {
    modules.Add({module.id(), Summary(module), absl::StrCat(PredictorOf(module).demos_size()), module.lm()});
  }
  std::cout << FieldList(fields) << "\n" << modules.ToString();
  if (!program.steps().empty()) std::cout << "\n" << Steps(program);
  return kSuccess;
}

int Show(const Session& session, const std::string& id) {
  v1::GetProgramRequest request;
  request.set_name(ProgramName(id));
  v1::GetProgramResponse response;
  const auto stub = v1::ProgramService::NewStub(session.Connect());
  const grpc::Status status = stub->GetProgram(session.NewContext().get(), request, &response);
  if (!status.ok()) return session.Failed(status);
  return session.json ? session.PrintJson(response) : PrintProgram(response.program());
}

int Delete(const Session& session, const std::string& id) {
  v1::DeleteProgramRequest request;
  request.set_name(ProgramName(id));
  v1::DeleteProgramResponse response;
  const auto stub = v1::ProgramService::NewStub(session.Connect());
  const grpc::Status status = stub->DeleteProgram(session.NewContext().get(), request, &response);
  if (!status.ok()) return session.Failed(status);
  if (session.json) return session.PrintJson(response);
  std::cout << "deleted " << request.name() << "\n";
  return kSuccess;
}

int Revisions(const Session& session, const std::string& id) {
  const auto stub = v1::ProgramService::NewStub(session.Connect());
  v1::ListProgramRevisionsResponse all;
  v1::ListProgramRevisionsRequest request;
  request.set_name(ProgramName(id));
  const grpc::Status status = ReadPages<v1::ListProgramRevisionsResponse>(
      session, request, [&stub](auto&&... call) { return stub->ListProgramRevisions(call...); },
      [&all](v1::ListProgramRevisionsResponse& page) {
        for (auto& revision : *page.mutable_revisions()) all.add_revisions()->Swap(&revision);
      });
  if (!status.ok()) return session.Failed(status);
  if (session.json) return session.PrintJson(all);
  Table table({"REVISION", "LABELS", "MODEL", "MODULES", "MADE"});
  for (const v1::Program& program : all.revisions()) {
    table.Add({absl::StrCat(program.revision()), Labels(program, program.revision()), program.lm(), Modules(program),
               TimeText(program.update_time())});
  }
  std::cout << table.ToString();
  return kSuccess;
}

int SetLabel(const Session& session, const std::string& id, const std::string& label, std::int64_t revision) {
  v1::SetProgramLabelRequest request;
  request.set_name(ProgramName(id));
  request.set_label(label);
  request.set_revision(revision);
  v1::SetProgramLabelResponse response;
  const auto stub = v1::ProgramService::NewStub(session.Connect());
  const grpc::Status status = stub->SetProgramLabel(session.NewContext().get(), request, &response);
  if (!status.ok()) return session.Failed(status);
  if (session.json) return session.PrintJson(response);
  const std::string labels = Labels(response.program(), 0);
  std::cout << request.name() << ": " << (labels.empty() ? "no labels" : labels) << "\n";
  return kSuccess;
}

struct ProgramsOptions {
  std::string id;
  std::string label;
  std::int64_t revision = 0;
};

}  // namespace

void AddProgramsCommand(CLI::App& app, Action& action) {
  auto options = std::make_shared<ProgramsOptions>();
  CLI::App* programs = app.add_subcommand("programs", "List, show, label and delete programs");
  programs->require_subcommand(0, 1);
  // A subcommand's callback runs after its parent's, so the parent's action is the one without a subcommand.
  const auto add = [&](CLI::App* command, auto run) {
    command->callback([options, run, &action] {
      action = [options, run](const Session& session) { return run(session, *options); };
    });
    return command;
  };
  const auto with_id = [&](CLI::App* command) {
    command->add_option("program", options->id, "The program")->required()->type_name("ID");
    return command;
  };
  const auto list = [](const Session& session, const ProgramsOptions&) { return List(session); };
  programs->callback([programs, list, &action] {
    if (programs->get_subcommands().empty()) {
      action = [list](const Session& session) { return list(session, ProgramsOptions()); };
    }
  });
  add(programs->add_subcommand("list", "All programs"), list);
  add(with_id(programs->add_subcommand("show", "One program; also qa@3 or qa@prod")),
      [](const Session& session, const ProgramsOptions& o) { return Show(session, o.id); });
  add(with_id(programs->add_subcommand("delete", "Delete a program with all its revisions")),
      [](const Session& session, const ProgramsOptions& o) { return Delete(session, o.id); });
  add(with_id(programs->add_subcommand("revisions", "The revisions of a program, newest first")),
      [](const Session& session, const ProgramsOptions& o) { return Revisions(session, o.id); });
  CLI::App* label = add(
      with_id(programs->add_subcommand("label", "Point a label at a revision")),
      [](const Session& session, const ProgramsOptions& o) { return SetLabel(session, o.id, o.label, o.revision); });
  label->add_option("label", options->label, "The label, for example prod")->required()->type_name("LABEL");
  label->add_option("revision", options->revision, "The revision; 0 removes the label")
      ->required()
      ->type_name("REVISION")
      ->check(CLI::NonNegativeNumber);
}

}  // namespace dspex::cli
