#include <absl/strings/match.h>
#include <absl/strings/str_cat.h>
#include <absl/strings/strip.h>
#include <google/protobuf/util/json_util.h>
#include <grpcpp/channel.h>
#include <grpcpp/client_context.h>
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <iostream>
#include <memory>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "dspex/v1/phrasebook_service.grpc.pb.h"
#include "dspex/v1/prediction_service.grpc.pb.h"
#include "dspex/v1/program_service.grpc.pb.h"
#include "engine/json/json.h"
#include "engine/state/apply_state.h"
#include "server/cli/compare_requests.h"
#include "server/cli/phrasebook_check.h"
#include "server/cli/python_side.h"
#include "server/cli/session.h"
#include "server/cli/table.h"
#include "server/cli/values.h"
#include "server/config/read_file.h"

namespace dspex::cli {

namespace {

// What Python prints is this process's own, but not small.
constexpr JsonLimits kDocumentLimits = {.max_bytes = std::size_t{256} << 20, .max_values = 20'000'000};
constexpr const char* kProbes = "1000";

struct ImportOptions {
  std::string source;
  std::string as;
  std::string into;
  std::string setup;
  std::string model;
  std::string python;
  bool update = false;
  bool allow_endpoint_settings = false;
};

/// A program that Python has translated, with what proves it.
struct Imported {
  Json phrasebook;
  v1::Program program;
  std::string state;
  Json checks;
  Json native;
  Json warnings;
};

std::vector<std::string> PythonArguments(const ImportOptions& options) {
  std::vector<std::string> arguments = {"import", options.source};
  if (!options.setup.empty()) arguments.insert(arguments.end(), {"--setup", options.setup});
  if (!options.model.empty()) arguments.insert(arguments.end(), {"--lm", options.model});
  return arguments;
}

absl::StatusOr<Imported> Translate(const ImportOptions& options) {
  const absl::StatusOr<std::string> printed = RunPythonSide(options.python, PythonArguments(options));
  if (!printed.ok()) return printed.status();
  absl::StatusOr<Json> document = ParseJson(*printed, kDocumentLimits);
  if (!document.ok() || !document->is_object() || !document->contains("program")) {
    return absl::InternalError("the Python side printed something else than a program. Is it of this version?");
  }
  Imported imported;
  const auto read = google::protobuf::util::JsonStringToMessage((*document)["program"].dump(), &imported.program);
  if (!read.ok()) return absl::InternalError(absl::StrCat("the translated program is none: ", read.ToString()));
  imported.phrasebook = std::move((*document)["phrasebook"]);
  imported.state = document->value("state_json", "");
  imported.checks = std::move((*document)["checks"]);
  imported.native = std::move((*document)["native"]);
  imported.warnings = std::move((*document)["warnings"]);
  return imported;
}

/// One import on its way to the server. Each step returns false when it has told of a failure.
class Import {
 public:
  Import(const Session& session, const ImportOptions& options) : session_(session), options_(options) {}

  int Run() {
    absl::StatusOr<Imported> imported = Translate(options_);
    if (!imported.ok()) return Failure(imported.status().message());
    imported_ = *std::move(imported);
    if (!KeepState() || !StorePhrasebook() || !Check() || !Store()) return kFailure;
    return kSuccess;
  }

 private:
  // So that an export gives back what DSPy would save, to the byte.
  bool KeepState() {
    if (imported_.state.empty()) return true;
    const absl::StatusOr<SavedState> state = ReadState(imported_.state);
    if (!state.ok()) return Told(state.status());
    absl::StatusOr<AppliedState> applied = ApplyState(imported_.program, *state, {.keep_demos = true});
    if (!applied.ok()) return Told(applied.status());
    imported_.program = std::move(applied->program);
    return true;
  }

  bool StorePhrasebook() {
    const std::string& name = imported_.program.phrasebook();
    const auto stub = v1::PhrasebookService::NewStub(session_.Connect());
    v1::GetPhrasebookRequest get;
    get.set_name(name);
    v1::GetPhrasebookResponse there;
    const grpc::Status found = stub->GetPhrasebook(session_.NewContext().get(), get, &there);
    if (found.ok()) return true;
    if (found.error_code() != grpc::StatusCode::NOT_FOUND) return session_.Failed(found) == kSuccess;
    const std::string contents = imported_.phrasebook.dump();
    // It takes some seconds, once for each release of DSPy.
    if (::isatty(STDERR_FILENO) != 0) std::cerr << "checking " << name << " by " << kProbes << " probes\n";
    const absl::StatusOr<std::string> probes =
        RunPythonSide(options_.python, {"probes", "--count", kProbes, "--seed", "1"});
    if (!probes.ok()) return Told(probes.status());
    if (const absl::Status checked = CheckPhrasebook(name, contents, *probes); !checked.ok()) return Told(checked);
    v1::CreatePhrasebookRequest create;
    create.set_phrasebook_id(std::string(absl::StripPrefix(name, "phrasebooks/")));
    create.mutable_phrasebook()->set_contents_json(contents);
    v1::CreatePhrasebookResponse created;
    const grpc::Status status = stub->CreatePhrasebook(session_.NewContext().get(), create, &created);
    return status.ok() || session_.Failed(status) == kSuccess;
  }

  // Before anything is stored: both sides make the same requests of generated inputs.
  bool Check() {
    const auto stub = v1::PredictionService::NewStub(session_.Connect());
    std::size_t number = 0;
    for (const Json& check : imported_.checks) {
      v1::RenderRequest request;
      *request.mutable_inline_program() = imported_.program;
      request.set_inputs_json(check.at("inputs_json").get<std::string>());
      AddCompletions(check, request);
      v1::RenderResponse response;
      const grpc::Status status = stub->Render(session_.NewContext().get(), request, &response);
      if (!status.ok()) return session_.Failed(status) == kSuccess;
      ++number;
      const absl::StatusOr<std::optional<std::string>> difference = FirstDifference(check, response);
      if (!difference.ok()) return Told(difference.status());
      if (difference->has_value()) {
        Failure(absl::StrCat("the program was not imported: of its inputs ", number, " of ", imported_.checks.size(),
                             " do not make DSPy's requests: ", **difference));
        return false;
      }
    }
    return true;
  }

  bool Store() {
    const auto stub = v1::ProgramService::NewStub(session_.Connect());
    v1::Program stored;
    if (options_.update) {
      v1::UpdateProgramRequest request;
      *request.mutable_program() = imported_.program;
      request.mutable_program()->set_name(ProgramName(options_.as));
      v1::UpdateProgramResponse response;
      const grpc::Status status = stub->UpdateProgram(session_.NewContext().get(), request, &response);
      if (!status.ok()) return session_.Failed(status) == kSuccess;
      stored = std::move(*response.mutable_program());
    } else {
      v1::CreateProgramRequest request;
      request.set_program_id(options_.as);
      *request.mutable_program() = imported_.program;
      v1::CreateProgramResponse response;
      const grpc::Status status = stub->CreateProgram(session_.NewContext().get(), request, &response);
      if (!status.ok()) return session_.Failed(status) == kSuccess;
      stored = std::move(*response.mutable_program());
    }
    Report(stored);
    return true;
  }

  void Report(const v1::Program& stored) const {
    for (const Json& warning : imported_.warnings) {
      std::cerr << "warning: " << Printable(warning.get<std::string>()) << "\n";
    }
    if (session_.json) {
      session_.PrintJson(stored);
      return;
    }
    std::cout << "imported " << Printable(stored.name()) << "@" << stored.revision() << "\n";
    for (const Json& module : imported_.native)
      std::cout << "  native  " << Printable(module.get<std::string>()) << "\n";
    std::cout << "  " << imported_.checks.size() << " of " << imported_.checks.size()
              << " generated requests are DSPy's, byte for byte\n";
  }

  static bool Told(const absl::Status& status) {
    Failure(status.message());
    return false;
  }

  const Session& session_;
  const ImportOptions& options_;
  Imported imported_;
};

int ImportState(const Session& session, const ImportOptions& options) {
  absl::StatusOr<std::string> state = ReadFile(options.source);
  if (!state.ok()) return UsageError(state.status().message());
  v1::ImportStateRequest request;
  request.set_name(ProgramName(options.into));
  request.set_state_json(*std::move(state));
  request.set_allow_endpoint_settings(options.allow_endpoint_settings);
  v1::ImportStateResponse response;
  const auto stub = v1::ProgramService::NewStub(session.Connect());
  const grpc::Status status = stub->ImportState(session.NewContext().get(), request, &response);
  if (!status.ok()) return session.Failed(status);
  for (const std::string& warning : response.warnings()) std::cerr << "warning: " << Printable(warning) << "\n";
  if (session.json) return session.PrintJson(response);
  std::cout << "imported " << Printable(options.source) << " into " << Printable(response.program().name()) << "@"
            << response.program().revision() << "\n";
  return kSuccess;
}

int RunImport(const Session& session, const ImportOptions& options) {
  if (options.as.empty() == options.into.empty()) {
    return UsageError(
        "give --as NAME to import a Python object, as in dspex import package.module:object --as qa, or --into NAME to "
        "import a state file, as in dspex import state.json --into qa");
  }
  if (!options.into.empty()) return ImportState(session, options);
  if (!absl::StrContains(options.source, ':')) {
    return UsageError(absl::StrCat("'", options.source, "' names no Python object; write it as package.module:object"));
  }
  return Import(session, options).Run();
}

}  // namespace

void AddImportCommand(CLI::App& app, Action& action) {
  auto options = std::make_shared<ImportOptions>();
  CLI::App* command = app.add_subcommand("import", "Take a DSPy program, or the state of one");
  command
      ->add_option(
          "source", options->source,
          "A Python object, package.module:object (a module, or a class or function that makes one), or a state "
          "file that module.save wrote")
      ->required()
      ->type_name("OBJECT|FILE.json");
  command->add_option("--as", options->as, "The id of the program to make of the object")->type_name("ID");
  command->add_option("--into", options->into, "The program whose state the file becomes")->type_name("ID");
  command->add_option("--setup", options->setup, "A function to call first, which configures DSPy")
      ->type_name("package.module:function");
  command->add_option("--lm", options->model, "The model, in place of the one DSPy is configured with")
      ->type_name("PROVIDER/MODEL");
  command->add_option("--python", options->python, "The Python that has DSPy installed")->type_name("FILE");
  command->add_flag("--update", options->update, "Make a revision of a program that is there");
  command->add_flag("--allow-endpoint-settings", options->allow_endpoint_settings,
                    "Take api_base and its like from the state file, which says where prompts are sent");
  command->callback(
      [options, &action] { action = [options](const Session& session) { return RunImport(session, *options); }; });
}

}  // namespace dspex::cli
