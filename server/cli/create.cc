#include <absl/strings/str_cat.h>
#include <absl/strings/str_split.h>
#include <grpcpp/channel.h>
#include <grpcpp/client_context.h>

#include <CLI/CLI.hpp>
#include <iostream>
#include <memory>
#include <utility>

#include "dspex/v1/program_service.grpc.pb.h"
#include "server/cli/definition.h"
#include "server/cli/session.h"
#include "server/cli/table.h"
#include "server/cli/values.h"
#include "server/config/read_file.h"

namespace dspex::cli {

namespace {

struct CreateOptions {
  std::string id;
  std::string signature;
  std::string file;
  std::string instructions;
  std::string model;
  std::string demos_file;
  bool update = false;
};

/// A program of one Predict out of the command line's words.
absl::StatusOr<v1::CreateProgramRequest> FromSignature(const CreateOptions& options) {
  v1::CreateProgramRequest request;
  v1::Module& module = *request.mutable_program()->add_modules();
  module.set_id("main");
  v1::Predictor& predictor = *module.mutable_predict();
  predictor.set_signature(options.signature);
  predictor.set_instructions(options.instructions);
  request.mutable_program()->set_lm(options.model);
  if (options.demos_file.empty()) return request;
  const absl::StatusOr<std::string> demos = ReadFile(options.demos_file);
  if (!demos.ok()) return demos.status();
  if (absl::Status status = AddDemos(*demos, predictor); !status.ok()) {
    return absl::InvalidArgumentError(absl::StrCat(options.demos_file, ": ", status.message()));
  }
  return request;
}

absl::StatusOr<v1::CreateProgramRequest> FromFile(const CreateOptions& options) {
  const absl::StatusOr<std::string> text = ReadFile(options.file);
  if (!text.ok()) return text.status();
  auto request = DefinitionFromJson(*text);
  if (!request.ok()) return absl::InvalidArgumentError(absl::StrCat(options.file, ": ", request.status().message()));
  return request;
}

absl::StatusOr<v1::CreateProgramRequest> BuildRequest(const CreateOptions& options) {
  if (options.file.empty() == options.signature.empty()) {
    return absl::InvalidArgumentError("give a signature, as in dspex create qa 'question -> answer', or -f FILE");
  }
  auto request = options.file.empty() ? FromSignature(options) : FromFile(options);
  if (!request.ok()) return request;
  if (!options.id.empty()) request->set_program_id(options.id);
  if (request->program_id().empty()) {
    return absl::InvalidArgumentError("the program needs an id: give one before -f, or a program_id in the file");
  }
  return request;
}

int Print(const Session& session, const google::protobuf::Message& response, const v1::Program& program,
          absl::string_view verb) {
  if (session.json) return session.PrintJson(response);
  const std::string name =
      std::pair<std::string, std::string>(absl::StrSplit(program.name(), absl::MaxSplits('@', 1))).first;
  std::cout << verb << " " << Printable(name) << "@" << program.revision() << "\n";
  return kSuccess;
}

int Create(const Session& session, const v1::CreateProgramRequest& request) {
  v1::CreateProgramResponse response;
  const auto stub = v1::ProgramService::NewStub(session.Connect());
  const grpc::Status status = stub->CreateProgram(session.NewContext().get(), request, &response);
  if (!status.ok()) return session.Failed(status);
  return Print(session, response, response.program(), "created");
}

int Update(const Session& session, v1::CreateProgramRequest definition) {
  v1::UpdateProgramRequest request;
  *request.mutable_program() = std::move(*definition.mutable_program());
  request.mutable_program()->set_name(ProgramName(definition.program_id()));
  v1::UpdateProgramResponse response;
  const auto stub = v1::ProgramService::NewStub(session.Connect());
  const grpc::Status status = stub->UpdateProgram(session.NewContext().get(), request, &response);
  if (!status.ok()) return session.Failed(status);
  return Print(session, response, response.program(), "updated");
}

}  // namespace

void AddCreateCommand(CLI::App& app, Action& action) {
  auto options = std::make_shared<CreateOptions>();
  CLI::App* command = app.add_subcommand("create", "Create a program");
  command->add_option("id", options->id, "The program's id: lower-case letters, digits, '-'")->type_name("ID");
  command->add_option("signature", options->signature, "What it takes and gives, as 'question -> answer'")
      ->type_name("SIGNATURE");
  CLI::Option* file = command->add_option("-f,--file", options->file,
                                          "The program as JSON, alone or as {program_id, program}; - reads standard "
                                          "input");
  file->type_name("FILE");
  command->add_option("--instructions", options->instructions, "What the model is to do")
      ->type_name("TEXT")
      ->excludes(file);
  command->add_option("--model", options->model, "The model; the server's default if not given")
      ->type_name("PROVIDER/MODEL")
      ->excludes(file);
  command->add_option("--demos", options->demos_file, "Demonstrations, a JSON object of fields a line")
      ->type_name("FILE.jsonl")
      ->excludes(file);
  command->add_flag("--update", options->update, "Make a revision of a program that is there");
  command->callback([options, &action] {
    action = [options](const Session& session) {
      absl::StatusOr<v1::CreateProgramRequest> request = BuildRequest(*options);
      if (!request.ok()) return UsageError(request.status().message());
      return options->update ? Update(session, *std::move(request)) : Create(session, *request);
    };
  });
}

}  // namespace dspex::cli
