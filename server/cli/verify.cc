#include <absl/strings/str_cat.h>
#include <absl/strings/str_split.h>
#include <grpcpp/channel.h>
#include <grpcpp/client_context.h>

#include <CLI/CLI.hpp>
#include <iostream>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "dspex/v1/prediction_service.grpc.pb.h"
#include "engine/json/json.h"
#include "server/cli/compare_requests.h"
#include "server/cli/python_side.h"
#include "server/cli/session.h"
#include "server/cli/table.h"
#include "server/cli/values.h"
#include "server/config/read_file.h"

#include <nlohmann/json.hpp>

namespace dspex::cli {

namespace {

constexpr JsonLimits kRequestLimits = {.max_bytes = std::size_t{256} << 20, .max_values = 20'000'000};

struct VerifyOptions {
  std::string program;
  std::string against;
  std::string data;
  std::string setup;
  std::string model;
  std::string python;
};

std::vector<std::string> Lines(absl::string_view text) { return absl::StrSplit(text, '\n', absl::SkipWhitespace()); }

int Verify(const Session& session, const VerifyOptions& options) {
  const absl::StatusOr<std::string> data = ReadFile(options.data);
  if (!data.ok()) return UsageError(data.status().message());
  const std::vector<std::string> inputs = Lines(*data);
  if (inputs.empty()) return UsageError(absl::StrCat(options.data, " has no inputs; give a JSON object on each line"));
  std::vector<std::string> arguments = {"render", options.against, "--data", options.data};
  if (!options.setup.empty()) arguments.insert(arguments.end(), {"--setup", options.setup});
  if (!options.model.empty()) arguments.insert(arguments.end(), {"--lm", options.model});
  const absl::StatusOr<std::string> printed = RunPythonSide(options.python, arguments);
  if (!printed.ok()) return Failure(printed.status().message());
  const std::vector<std::string> requests = Lines(*printed);
  if (requests.size() != inputs.size())
    return Failure("the Python side did not make a request for each line of inputs");

  const auto stub = v1::PredictionService::NewStub(session.Connect());
  std::size_t different = 0;
  for (std::size_t i = 0; i < inputs.size(); ++i) {
    const absl::StatusOr<Json> expected = ParseJson(requests[i], kRequestLimits);
    if (!expected.ok()) return Failure(expected.status().message());
    v1::RenderRequest request;
    request.set_program(ProgramName(options.program));
    request.set_inputs_json(inputs[i]);
    AddCompletions(*expected, request);
    v1::RenderResponse response;
    const grpc::Status status = stub->Render(session.NewContext().get(), request, &response);
    if (!status.ok()) return session.Failed(status);
    const absl::StatusOr<std::optional<std::string>> difference = FirstDifference(*expected, response);
    if (!difference.ok()) return Failure(difference.status().message());
    if (!difference->has_value()) continue;
    // One is shown: the others are mostly the same one.
    if (++different == 1) std::cout << "line " << i + 1 << ": " << **difference << "\n";
  }
  std::cout << inputs.size() - different << " of " << inputs.size() << " requests are equal\n";
  return different == 0 ? kSuccess : kFailure;
}

}  // namespace

void AddVerifyCommand(CLI::App& app, Action& action) {
  auto options = std::make_shared<VerifyOptions>();
  CLI::App* command = app.add_subcommand("verify", "Compare a program's requests with those of a DSPy program");
  command->add_option("program", options->program, "The program, also qa@3 (a revision) or qa@prod (a label)")
      ->required()
      ->type_name("ID");
  command->add_option("--against", options->against, "The DSPy program")
      ->required()
      ->type_name("package.module:object");
  command->add_option("--data", options->data, "Inputs, a JSON object a line")->required()->type_name("FILE.jsonl");
  command->add_option("--setup", options->setup, "A function to call first, which configures DSPy")
      ->type_name("package.module:function");
  command->add_option("--lm", options->model, "The model, in place of the one DSPy is configured with")
      ->type_name("PROVIDER/MODEL");
  command->add_option("--python", options->python, "The Python that has DSPy installed")->type_name("FILE");
  command->callback(
      [options, &action] { action = [options](const Session& session) { return Verify(session, *options); }; });
}

}  // namespace dspex::cli
