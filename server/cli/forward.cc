#include <absl/strings/str_cat.h>
#include <absl/strings/str_format.h>
#include <google/protobuf/util/time_util.h>
#include <grpcpp/channel.h>
#include <grpcpp/client_context.h>

#include <CLI/CLI.hpp>
#include <iostream>
#include <memory>
#include <nlohmann/json.hpp>
#include <utility>
#include <vector>

#include "dspex/v1/prediction_service.grpc.pb.h"
#include "engine/json/json.h"
#include "server/cli/session.h"
#include "server/cli/table.h"
#include "server/cli/values.h"
#include "server/config/read_file.h"

namespace dspex::cli {

namespace {

struct ForwardOptions {
  std::string program;
  std::vector<std::string> inputs;
  std::string input_json;
  bool render = false;
  bool stream = false;
  bool trace = false;
};

absl::StatusOr<std::string> Inputs(const ForwardOptions& options) {
  if (options.input_json.empty()) return InputsJson(options.inputs);
  if (!options.inputs.empty()) {
    return absl::InvalidArgumentError("give inputs as name=value or as --input-json, not both");
  }
  if (options.input_json == "-") return ReadFile("-");
  return options.input_json;
}

std::string ValueText(const Json& value) {
  if (value.is_string()) return value.get<std::string>();
  return value.dump(-1, ' ', false, Json::error_handler_t::replace);
}

std::string Milliseconds(const google::protobuf::Duration& duration) {
  const double nanoseconds = static_cast<double>(google::protobuf::util::TimeUtil::DurationToNanoseconds(duration));
  return absl::StrFormat("%.1f ms", nanoseconds / 1e6);
}

std::string Tokens(const v1::Usage& usage) { return absl::StrCat(usage.input_tokens(), " + ", usage.output_tokens()); }

void PrintTrace(const v1::Prediction& prediction) {
  Table table({"STEP", "START", "TIME", "MODEL", "TOKENS"});
  std::vector<std::size_t> depths;
  for (const v1::TraceNode& node : prediction.trace()) {
    const bool has_parent = node.parent() >= 0 && static_cast<std::size_t>(node.parent()) < depths.size();
    depths.push_back(has_parent ? depths[static_cast<std::size_t>(node.parent())] + 1 : 0);
    table.Add({absl::StrCat(std::string(2 * depths.back(), ' '), node.name()), Milliseconds(node.start()),
               Milliseconds(node.duration()), node.model(), node.has_usage() ? Tokens(node.usage()) : ""});
  }
  std::cout << "\n" << table.ToString();
}

int PrintPrediction(const v1::Prediction& prediction, bool trace) {
  const absl::StatusOr<Json> outputs = ParseJson(prediction.outputs_json());
  if (!outputs.ok() || !outputs->is_object()) {
    std::cerr << "error: the server's answer is no JSON object. Is it a dspex server of this version?\n";
    return kFailure;
  }
  std::vector<std::pair<std::string, std::string>> fields;
  for (const auto& [name, value] : outputs->items()) fields.emplace_back(name, ValueText(value));
  std::cout << FieldList(fields);
  if (trace) PrintTrace(prediction);
  return kSuccess;
}

int Forward(const Session& session, const ForwardOptions& options, std::string inputs) {
  v1::ForwardRequest request;
  request.set_program(ProgramName(options.program));
  request.set_inputs_json(std::move(inputs));
  request.set_include_trace(options.trace);
  v1::ForwardResponse response;
  const auto stub = v1::PredictionService::NewStub(session.Connect());
  const grpc::Status status = stub->Forward(session.NewContext().get(), request, &response);
  if (!status.ok()) return session.Failed(status);
  if (session.json) return session.PrintJson(response);
  return PrintPrediction(response.prediction(), options.trace);
}

// Shows outputs as they come: texts piece by piece, other values once they are whole.
class StreamPrinter {
 public:
  void Show(const v1::ForwardStreamResponse& event) {
    switch (event.event_case()) {
      case v1::ForwardStreamResponse::kFieldStarted:
        Begin(event.field_started().field());
        break;
      case v1::ForwardStreamResponse::kFieldDelta:
        std::cout << event.field_delta().text() << std::flush;
        shown_ = true;
        break;
      case v1::ForwardStreamResponse::kFieldCompleted:
        if (!shown_) std::cout << event.field_completed().value_json();
        End();
        break;
      case v1::ForwardStreamResponse::kStatus:
        if (event.status().has_falling_back()) std::cerr << "asking again: " << event.status().falling_back() << "\n";
        break;
      default:
        break;
    }
  }

  /// Ends the line that is open.
  void End() {
    if (open_) std::cout << std::endl;
    open_ = false;
  }

 private:
  void Begin(const std::string& field) {
    End();
    std::cout << field << ": ";
    open_ = true;
    shown_ = false;
  }

  bool open_ = false;
  bool shown_ = false;
};

int ForwardStream(const Session& session, const ForwardOptions& options, std::string inputs) {
  v1::ForwardStreamRequest request;
  request.set_program(ProgramName(options.program));
  request.set_inputs_json(std::move(inputs));
  request.set_include_trace(options.trace);
  const auto context = session.NewContext();
  const auto stub = v1::PredictionService::NewStub(session.Connect());
  const auto reader = stub->ForwardStream(context.get(), request);
  StreamPrinter printer;
  v1::ForwardStreamResponse event;
  while (reader->Read(&event)) {
    if (session.json) {
      if (const int printed = session.PrintJsonLine(event); printed != kSuccess) return printed;
      continue;
    }
    printer.Show(event);
    if (event.has_prediction() && options.trace) PrintTrace(event.prediction());
  }
  printer.End();
  const grpc::Status status = reader->Finish();
  return status.ok() ? kSuccess : session.Failed(status);
}

int Render(const Session& session, const ForwardOptions& options, std::string inputs) {
  v1::RenderRequest request;
  request.set_program(ProgramName(options.program));
  request.set_inputs_json(std::move(inputs));
  v1::RenderResponse response;
  const auto stub = v1::PredictionService::NewStub(session.Connect());
  const grpc::Status status = stub->Render(session.NewContext().get(), request, &response);
  if (!status.ok()) return session.Failed(status);
  if (session.json) return session.PrintJson(response);
  for (const auto& rendered : response.requests()) std::cout << rendered.body() << "\n";
  return kSuccess;
}

}  // namespace

void AddForwardCommand(CLI::App& app, Action& action) {
  auto options = std::make_shared<ForwardOptions>();
  CLI::App* command = app.add_subcommand("forward", "Run a program once and print its outputs");
  command->add_option("program", options->program, "The program, also qa@3 (a revision) or qa@prod (a label)")
      ->required()
      ->type_name("ID");
  command
      ->add_option("inputs", options->inputs,
                   "Inputs. A JSON list or object ([..], {..}) is sent as such, anything else as text, "
                   "which becomes a number or truth value where the field is one")
      ->type_name("NAME=VALUE");
  command->add_option("--input-json", options->input_json, "All inputs as one JSON object; - reads standard input")
      ->type_name("JSON");
  command->add_flag("--render", options->render, "Print the bodies of the requests a run would send; send nothing");
  command->add_flag("--stream", options->stream, "Print outputs while they come; with --json, an event a line")
      ->excludes("--render");
  command->add_flag("--trace", options->trace, "Also show each step: when, how long, tokens");
  command->callback([options, &action] {
    action = [options](const Session& session) {
      absl::StatusOr<std::string> inputs = Inputs(*options);
      if (!inputs.ok()) return UsageError(inputs.status().message());
      if (options->render) return Render(session, *options, *std::move(inputs));
      if (options->stream) return ForwardStream(session, *options, *std::move(inputs));
      return Forward(session, *options, *std::move(inputs));
    };
  });
}

}  // namespace dspex::cli
