#include <absl/strings/str_cat.h>
#include <absl/strings/strip.h>
#include <google/protobuf/util/time_util.h>
#include <grpcpp/channel.h>
#include <grpcpp/client_context.h>

#include <CLI/CLI.hpp>
#include <iostream>
#include <memory>
#include <nlohmann/json.hpp>
#include <string>
#include <utility>

#include "dspex/v1/phrasebook_service.grpc.pb.h"
#include "engine/json/json.h"
#include "server/cli/phrasebook_check.h"
#include "server/cli/session.h"
#include "server/cli/table.h"
#include "server/config/read_file.h"

namespace dspex::cli {

namespace {

int List(const Session& session) {
  v1::ListPhrasebooksResponse response;
  const auto stub = v1::PhrasebookService::NewStub(session.Connect());
  const grpc::Status status = stub->ListPhrasebooks(session.NewContext().get(), {}, &response);
  if (!status.ok()) return session.Failed(status);
  if (session.json) return session.PrintJson(response);
  Table table({"NAME", "CREATED", "DIGEST"});
  for (const v1::Phrasebook& phrasebook : response.phrasebooks()) {
    table.Add({std::string(absl::StripPrefix(phrasebook.name(), "phrasebooks/")),
               google::protobuf::util::TimeUtil::ToString(phrasebook.create_time()),
               phrasebook.digest().substr(0, 12)});
  }
  std::cout << table.ToString();
  return kSuccess;
}

struct CreateOptions {
  std::string file;
  std::string probes;
};

// The name that the phrasebook gives itself.
absl::StatusOr<std::string> NameIn(const std::string& contents) {
  const absl::StatusOr<Json> phrasebook = ParseJson(contents);
  if (!phrasebook.ok()) return phrasebook.status();
  if (!phrasebook->is_object() || !phrasebook->contains("name") || !(*phrasebook)["name"].is_string()) {
    return absl::InvalidArgumentError("it has no name. tools/capture-phrasebook makes phrasebooks");
  }
  return (*phrasebook)["name"].get<std::string>();
}

int Create(const Session& session, const CreateOptions& options) {
  absl::StatusOr<std::string> contents = ReadFile(options.file);
  if (!contents.ok()) return UsageError(contents.status().message());
  const absl::StatusOr<std::string> name = NameIn(*contents);
  if (!name.ok()) return UsageError(absl::StrCat(options.file, ": ", name.status().message()));
  if (!options.probes.empty()) {
    const absl::StatusOr<std::string> probes = ReadFile(options.probes);
    if (!probes.ok()) return UsageError(probes.status().message());
    const absl::Status checked = CheckPhrasebook(absl::StrCat("phrasebooks/", *name), *contents, *probes);
    if (!checked.ok()) return UsageError(absl::StrCat(options.file, ": ", checked.message()));
  }
  v1::CreatePhrasebookRequest request;
  request.set_phrasebook_id(*name);
  request.mutable_phrasebook()->set_contents_json(*std::move(contents));
  v1::CreatePhrasebookResponse response;
  const auto stub = v1::PhrasebookService::NewStub(session.Connect());
  const grpc::Status status = stub->CreatePhrasebook(session.NewContext().get(), request, &response);
  if (!status.ok()) return session.Failed(status);
  if (session.json) return session.PrintJson(response);
  std::cout << "created " << Printable(response.phrasebook().name()) << "\n";
  return kSuccess;
}

}  // namespace

void AddPhrasebooksCommand(CLI::App& app, Action& action) {
  CLI::App* command = app.add_subcommand("phrasebooks", "List phrasebooks, the wording of prompts");
  command->callback([command, &action] {
    if (command->get_subcommands().empty()) action = [](const Session& session) { return List(session); };
  });
  auto options = std::make_shared<CreateOptions>();
  CLI::App* create = command->add_subcommand("create", "Store one that tools/capture-phrasebook made");
  create->add_option("file", options->file, "The phrasebook")->required()->type_name("FILE.json");
  create->add_option("--probes", options->probes, "What it must render, which is checked first")
      ->type_name("FILE.jsonl");
  create->callback(
      [options, &action] { action = [options](const Session& session) { return Create(session, *options); }; });
}

}  // namespace dspex::cli
