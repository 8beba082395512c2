#include "server/cli/cli.h"

#include <absl/strings/str_cat.h>

#include <CLI/CLI.hpp>
#include <iostream>
#include <memory>
#include <string>
#include <utility>

#include "server/cli/session.h"
#include "server/config/proto_from_yaml.h"
#include "server/version.h"

namespace dspex {

namespace {

using cli::Action;
using cli::Session;

/// Refuses what is no duration while the command line is read.
std::string CheckDuration(const std::string& text) {
  const auto duration = ParseDuration(text);
  return duration.ok() ? "" : absl::StrCat("'", text, "' ", duration.status().message());
}

struct ServeOptions {
  std::string config_file;
  /// What the command line says in place of the file.
  std::string listen;
  std::string metrics;
  std::string model;
  std::string data_dir;
};

int Serve(const ServeOptions& options, const ServeFunction& serve) {
  config::v1::Config config;
  if (!options.config_file.empty()) {
    auto read = ReadConfigFile(options.config_file);
    if (!read.ok()) return cli::UsageError(read.status().message());
    config = *std::move(read);
  }
  if (!options.listen.empty()) config.set_listen(options.listen);
  if (!options.metrics.empty()) config.set_metrics_listen(options.metrics);
  if (!options.model.empty()) config.set_default_lm(options.model);
  if (!options.data_dir.empty()) config.set_data_dir(options.data_dir);
  const auto resolved = Resolve(std::move(config), ProcessEnvironment());
  if (!resolved.ok()) return cli::UsageError(resolved.status().message());
  if (const absl::Status status = serve(*resolved); !status.ok()) {
    std::cerr << "error: " << status.message() << "\n";
    return cli::kFailure;
  }
  return cli::kSuccess;
}

void AddServeCommand(CLI::App& app, const ServeFunction& serve, Action& action) {
  auto options = std::make_shared<ServeOptions>();
  CLI::App* command = app.add_subcommand("serve", "Run the server");
  // A wrapper's flags may be followed by its user's.
  command->option_defaults()->take_last();
  command->add_option("--config", options->config_file, "The configuration, a YAML file")->type_name("FILE");
  command->add_option("--listen", options->listen, "Where gRPC listens (127.0.0.1:50051)")->type_name("HOST:PORT");
  command->add_option("--metrics", options->metrics, "Where Prometheus scrapes (127.0.0.1:9464), or off")
      ->type_name("HOST:PORT");
  command->add_option("--model", options->model, "The model of programs that name none")->type_name("PROVIDER/MODEL");
  command->add_option("--data-dir", options->data_dir, "Where the database lives (dspex-data)")->type_name("DIR");
  command->callback(
      [options, &serve, &action] { action = [options, &serve](const Session&) { return Serve(*options, serve); }; });
}

int Run(int argc, char** argv, const ServeFunction& serve) {
  CLI::App app("Runs language-model programs behind a gRPC API.", "dspex");
  app.set_version_flag("--version", std::string(kVersion));
  app.require_subcommand(1);
  // The options below may also stand behind the command.
  app.fallthrough();
  Session session;
  std::string timeout;
  app.add_option("--server", session.server, "The server to talk to")
      ->envname("DSPEX_SERVER")
      ->type_name("HOST:PORT")
      ->capture_default_str();
  app.add_option("--timeout", timeout, "How long a call may take, for example 30s")
      ->type_name("DURATION")
      ->check(CheckDuration);
  app.add_flag("--json", session.json, "Print the response as JSON");

  Action action;
  AddServeCommand(app, serve, action);
  cli::AddCreateCommand(app, action);
  cli::AddForwardCommand(app, action);
  cli::AddProgramsCommand(app, action);
  cli::AddImportCommand(app, action);
  cli::AddExportCommand(app, action);
  cli::AddVerifyCommand(app, action);
  cli::AddPhrasebooksCommand(app, action);
  cli::AddDatasetsCommand(app, action);
  cli::AddEvalCommand(app, action);
  cli::AddCompileCommand(app, action);
  cli::AddJobsCommand(app, action);

  try {
    app.parse(argc, argv);
  } catch (const CLI::Success& request) {
    return app.exit(request);  // --help, --version
  } catch (const CLI::ParseError& error) {
    return cli::UsageError(absl::StrCat(error.what(), ". See dspex --help."));
  }
  if (!timeout.empty()) session.timeout = *ParseDuration(timeout);
  return action(session);
}

}  // namespace

int RunCli(int argc, char** argv, const ServeFunction& serve) {
  try {
    return Run(argc, argv, serve);
  } catch (const std::exception& error) {
    std::cerr << "error: " << error.what() << "\n";
    return cli::kFailure;
  }
}

}  // namespace dspex
