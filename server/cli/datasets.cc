#include <absl/strings/str_cat.h>
#include <absl/strings/str_join.h>
#include <grpcpp/channel.h>
#include <grpcpp/client_context.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <cstdint>
#include <iostream>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "dspex/v1/dataset_service.grpc.pb.h"
#include "server/cli/pages.h"
#include "server/cli/session.h"
#include "server/cli/table.h"
#include "server/cli/values.h"

namespace dspex::cli {

namespace {

struct DatasetsOptions {
  std::string id;
  std::string split;
  std::int64_t limit = 20;
};

std::string Splits(const v1::Dataset& dataset) {
  return absl::StrJoin(dataset.splits(), " ", [](std::string* out, const v1::Split& split) {
    absl::StrAppend(out, split.name(), "=", split.example_count());
  });
}

std::string Schema(const v1::Dataset& dataset) {
  return dataset.has_signature() ? dataset.signature() : dataset.program();
}

int List(const Session& session, const DatasetsOptions&) {
  const auto stub = v1::DatasetService::NewStub(session.Connect());
  v1::ListDatasetsResponse all;
  v1::ListDatasetsRequest request;
  const grpc::Status status = ReadPages<v1::ListDatasetsResponse>(
      session, request, [&stub](auto&&... call) { return stub->ListDatasets(call...); },
      [&all](v1::ListDatasetsResponse& page) {
        for (auto& dataset : *page.mutable_datasets()) all.add_datasets()->Swap(&dataset);
      });
  if (!status.ok()) return session.Failed(status);
  if (session.json) return session.PrintJson(all);
  Table table({"NAME", "VERSION", "EXAMPLES", "SPLITS", "FIELDS", "UPDATED"});
  for (const v1::Dataset& dataset : all.datasets()) {
    table.Add({dataset.name(), absl::StrCat(dataset.version()), absl::StrCat(dataset.example_count()), Splits(dataset),
               Schema(dataset), TimeText(dataset.update_time())});
  }
  std::cout << table.ToString();
  return kSuccess;
}

int Show(const Session& session, const DatasetsOptions& options) {
  v1::GetDatasetRequest request;
  request.set_name(DatasetResource(options.id));
  v1::GetDatasetResponse response;
  const auto stub = v1::DatasetService::NewStub(session.Connect());
  const grpc::Status status = stub->GetDataset(session.NewContext().get(), request, &response);
  if (!status.ok()) return session.Failed(status);
  if (session.json) return session.PrintJson(response);
  const v1::Dataset& dataset = response.dataset();
  std::vector<std::pair<std::string, std::string>> fields = {
      {"name", dataset.name()},
      {"version", absl::StrCat(dataset.version())},
      {"examples", absl::StrCat(dataset.example_count())},
      {"splits", Splits(dataset)},
      {"seed", dataset.splits().empty() ? "" : absl::StrCat(dataset.split_seed())},
      {"program", dataset.program()},
      {"signature", dataset.signature()},
      {"inputs", absl::StrJoin(dataset.input_keys(), ", ")},
      {"id", dataset.id_key()},
      {"description", dataset.description()},
      {"digest", dataset.digest()},
      {"created", TimeText(dataset.create_time())},
      {"updated", TimeText(dataset.update_time())}};
  fields.erase(std::remove_if(fields.begin(), fields.end(), [](const auto& field) { return field.second.empty(); }),
               fields.end());
  std::cout << FieldList(fields);
  return kSuccess;
}

int ShowExamples(const Session& session, const DatasetsOptions& options) {
  const auto stub = v1::DatasetService::NewStub(session.Connect());
  v1::ListExamplesRequest request;
  request.set_name(DatasetResource(options.id));
  request.set_split(options.split);
  std::int64_t left = options.limit == 0 ? INT64_MAX : options.limit;
  Table table({"ID", "INDEX", "FIELDS"});
  do {
    request.set_page_size(static_cast<int>(std::min<std::int64_t>(left, kPageSize)));
    v1::ListExamplesResponse page;
    const grpc::Status status = stub->ListExamples(session.NewContext().get(), request, &page);
    if (!status.ok()) return session.Failed(status);
    request.set_page_token(page.next_page_token());
    left -= page.examples_size();
    for (const v1::DatasetExample& example : page.examples()) {
      // One a line, so that a large dataset is never whole here either.
      if (session.json) {
        if (const int failed = session.PrintJsonLine(example); failed != kSuccess) return failed;
      } else {
        table.Add({example.id(), absl::StrCat(example.index()), example.example().fields_json()});
      }
    }
  } while (!request.page_token().empty() && left > 0);
  if (!session.json) std::cout << table.ToString();
  return kSuccess;
}

int Delete(const Session& session, const DatasetsOptions& options) {
  v1::DeleteDatasetRequest request;
  request.set_name(DatasetResource(options.id));
  v1::DeleteDatasetResponse response;
  const auto stub = v1::DatasetService::NewStub(session.Connect());
  const grpc::Status status = stub->DeleteDataset(session.NewContext().get(), request, &response);
  if (!status.ok()) return session.Failed(status);
  if (session.json) return session.PrintJson(response);
  std::cout << "deleted " << request.name() << "\n";
  return kSuccess;
}

}  // namespace

void AddDatasetsCommand(CLI::App& app, Action& action) {
  auto options = std::make_shared<DatasetsOptions>();
  CLI::App* datasets = app.add_subcommand("datasets", "Import, list, show and delete datasets");
  datasets->require_subcommand(0, 1);
  const auto add = [&](CLI::App* command, auto run) {
    command->callback([options, run, &action] {
      action = [options, run](const Session& session) { return run(session, *options); };
    });
  };
  const auto with_id = [&](CLI::App* command) {
    command->add_option("dataset", options->id, "The dataset; also qa@3")->required()->type_name("ID");
    return command;
  };
  datasets->callback([datasets, &action] {
    if (!datasets->get_subcommands().empty()) return;
    action = [](const Session& session) { return List(session, DatasetsOptions()); };
  });
  add(datasets->add_subcommand("list", "All datasets"), List);
  add(with_id(datasets->add_subcommand("show", "One dataset")), Show);
  add(with_id(datasets->add_subcommand("delete", "Delete a dataset with all its versions")), Delete);
  CLI::App* examples = with_id(datasets->add_subcommand("examples", "The examples of a dataset"));
  examples->add_option("--split", options->split, "Only this part of it")->type_name("NAME");
  examples->add_option("--limit", options->limit, "How many at most; 0: all (20)")->check(CLI::NonNegativeNumber);
  add(examples, ShowExamples);
  AddDatasetsImportCommand(*datasets, action);
}

}  // namespace dspex::cli
