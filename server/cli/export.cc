#include <grpcpp/channel.h>
#include <grpcpp/client_context.h>

#include <CLI/CLI.hpp>
#include <fstream>
#include <iostream>
#include <memory>

#include "dspex/v1/program_service.grpc.pb.h"
#include "server/cli/session.h"
#include "server/cli/values.h"

namespace dspex::cli {

namespace {

struct ExportOptions {
  std::string program;
  std::string file;
};

int Export(const Session& session, const ExportOptions& options) {
  v1::ExportStateRequest request;
  request.set_name(ProgramName(options.program));
  v1::ExportStateResponse response;
  const auto stub = v1::ProgramService::NewStub(session.Connect());
  const grpc::Status status = stub->ExportState(session.NewContext().get(), request, &response);
  if (!status.ok()) return session.Failed(status);
  if (options.file.empty()) {
    std::cout << response.state_json();
    return kSuccess;
  }
  std::ofstream file(options.file, std::ios::binary | std::ios::trunc);
  file << response.state_json();
  file.close();
  if (file.fail()) {
    std::cerr << "error: cannot write " << options.file << "\n";
    return kFailure;
  }
  return kSuccess;
}

}  // namespace

void AddExportCommand(CLI::App& app, Action& action) {
  auto options = std::make_shared<ExportOptions>();
  CLI::App* command = app.add_subcommand("export", "Print a program's state as DSPy saves it");
  command->add_option("program", options->program, "The program, also qa@3 (a revision) or qa@prod (a label)")
      ->required()
      ->type_name("ID");
  command->add_option("-o,--output", options->file, "A file to write, which module.load takes")->type_name("FILE.json");
  command->callback(
      [options, &action] { action = [options](const Session& session) { return Export(session, *options); }; });
}

}  // namespace dspex::cli
