#include <absl/strings/match.h>
#include <absl/strings/numbers.h>
#include <absl/strings/str_cat.h>
#include <absl/strings/str_split.h>
#include <absl/strings/strip.h>
#include <google/protobuf/util/message_differencer.h>
#include <grpcpp/channel.h>
#include <grpcpp/client_context.h>

#include <CLI/CLI.hpp>
#include <fstream>
#include <iostream>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "dspex/v1/dataset_service.grpc.pb.h"
#include "server/cli/datasets_import.h"
#include "server/cli/example_file.h"
#include "server/cli/session.h"
#include "server/cli/table.h"
#include "server/cli/values.h"

namespace dspex::cli {

namespace {

// A part of an import: large enough that calls cost little, small enough that the server is never long at it.
constexpr int kPartExamples = 500;
constexpr std::size_t kPartBytes = std::size_t{256} << 10;

absl::StatusOr<v1::Dataset> Settings(const DatasetImport& options) {
  v1::Dataset dataset;
  if (!options.program.empty()) dataset.set_program(ProgramName(options.program));
  if (!options.signature.empty()) dataset.set_signature(options.signature);
  dataset.mutable_input_keys()->Assign(options.inputs.begin(), options.inputs.end());
  dataset.set_id_key(options.id_key);
  dataset.set_allow_other_fields(options.allow_other_fields);
  dataset.set_split_seed(options.seed.value_or(0));
  for (const absl::string_view part : absl::StrSplit(options.splits, ',', absl::SkipEmpty())) {
    const std::pair<absl::string_view, absl::string_view> split = absl::StrSplit(part, absl::MaxSplits('=', 1));
    double weight = 0;
    if (!absl::SimpleAtod(split.second, &weight)) {
      return absl::InvalidArgumentError(
          absl::StrCat("--split has '", part, "'. Write names and shares, as train=0.8,dev=0.2"));
    }
    v1::Split& added = *dataset.add_splits();
    added.set_name(std::string(split.first));
    added.set_weight(weight);
  }
  return dataset;
}

// The first option that asks for another setting than the dataset has; empty if none does.
std::string Difference(const DatasetImport& options, const v1::Dataset& asked, v1::Dataset stored) {
  const auto same = [](const auto& a, const auto& b) { return std::equal(a.begin(), a.end(), b.begin(), b.end()); };
  for (v1::Split& split : *stored.mutable_splits()) split.clear_example_count();
  if (!options.program.empty() && asked.program() != stored.program()) return "--program";
  if (!options.signature.empty() && asked.signature() != stored.signature()) return "--signature";
  if (!options.inputs.empty() && !same(asked.input_keys(), stored.input_keys())) return "--inputs";
  if (!options.id_key.empty() && asked.id_key() != stored.id_key()) return "--id-key";
  if (options.allow_other_fields && !stored.allow_other_fields()) return "--allow-other-fields";
  if (options.seed.has_value() && asked.split_seed() != stored.split_seed()) return "--seed";
  const bool splits = std::equal(asked.splits().begin(), asked.splits().end(), stored.splits().begin(),
                                 stored.splits().end(), google::protobuf::util::MessageDifferencer::Equals);
  return options.splits.empty() || splits ? "" : "--split";
}

// One import of one file.
class Importer {
 public:
  Importer(const Session& session, const DatasetImport& options)
      : session_(session), options_(options), stub_(v1::DatasetService::NewStub(session.Connect())) {}

  int Run() {
    const absl::StatusOr<v1::Dataset> settings = Settings(options_);
    if (!settings.ok()) return UsageError(settings.status().message());
    std::ifstream file;
    if (options_.file != "-") {
      file.open(options_.file, std::ios::binary);
      if (!file) return UsageError(absl::StrCat("cannot read ", options_.file));
    }
    const bool csv = absl::EndsWithIgnoreCase(options_.file, ".csv");
    ExampleFile examples(options_.file == "-" ? std::cin : file, Name(),
                         csv ? ExampleFile::Format::kCsv : ExampleFile::Format::kJsonLines);
    if (const int failed = Find(*settings); failed != kSuccess) return failed;
    const int result = Send(examples);
    // A dataset that was made for examples that were wrong would keep its settings from being corrected.
    if (result != kSuccess && created_) Delete();
    return result;
  }

 private:
  std::string Name() const { return options_.file == "-" ? "standard input" : options_.file; }
  std::string Dataset() const { return DatasetResource(options_.id); }

  // Finds the dataset, or makes it.
  int Find(const v1::Dataset& settings) {
    v1::GetDatasetRequest get;
    get.set_name(Dataset());
    v1::GetDatasetResponse found;
    const grpc::Status known = stub_->GetDataset(session_.NewContext().get(), get, &found);
    if (known.ok()) {
      const std::string difference = Difference(options_, settings, found.dataset());
      if (difference.empty()) return kSuccess;
      return Failure(absl::StrCat(Printable(found.dataset().name()), " was made with another ", difference,
                                  ". Leave the option out, or import under another name."));
    }
    if (known.error_code() != grpc::StatusCode::NOT_FOUND) return session_.Failed(known);
    v1::CreateDatasetRequest create;
    create.set_dataset_id(options_.id);
    *create.mutable_dataset() = settings;
    v1::CreateDatasetResponse made;
    const grpc::Status status = stub_->CreateDataset(session_.NewContext().get(), create, &made);
    created_ = status.ok();
    return created_ ? kSuccess : session_.Failed(status);
  }

  void Delete() {
    v1::DeleteDatasetRequest request;
    request.set_name(Dataset());
    v1::DeleteDatasetResponse response;
    stub_->DeleteDataset(session_.NewContext().get(), request, &response);
  }

  int Send(ExampleFile& examples) {
    const std::unique_ptr<grpc::ClientContext> context = session_.NewContext();
    v1::ImportExamplesResponse response;
    const auto writer = stub_->ImportExamples(context.get(), &response);
    v1::ImportExamplesRequest part;
    part.set_name(Dataset());
    part.set_mode(options_.append ? v1::IMPORT_MODE_APPEND : v1::IMPORT_MODE_REPLACE);
    absl::Status read;
    do {
      read = Fill(examples, part);
      // Writes wait for the server; one that fails means that the server has said why.
      if (!read.ok() || !writer->Write(part) || part.last()) break;
      part.Clear();
    } while (true);
    if (!read.ok()) context->TryCancel();
    writer->WritesDone();
    const grpc::Status status = writer->Finish();
    if (!read.ok()) return Failure(Cut(read.message(), 1000));
    if (!status.ok()) return session_.Failed(InFile(status));
    return Print(response);
  }

  // Adds the next examples to the part.
  static absl::Status Fill(ExampleFile& examples, v1::ImportExamplesRequest& part) {
    std::size_t bytes = 0;
    while (part.examples_size() < kPartExamples && bytes < kPartBytes) {
      absl::StatusOr<std::optional<FileExample>> example = examples.Next();
      if (!example.ok()) return example.status();
      if (!example->has_value()) {
        part.set_last(true);
        return absl::OkStatus();
      }
      bytes += (*example)->fields_json.size();
      part.add_examples()->set_fields_json(std::move((*example)->fields_json));
      part.add_lines((*example)->line);
    }
    return absl::OkStatus();
  }

  // "Line 7: what is wrong" of the server as "FILE:7: what is wrong".
  grpc::Status InFile(const grpc::Status& status) const {
    const std::string whole = status.error_message();
    absl::string_view message = whole;
    if (!absl::ConsumePrefix(&message, "Line ")) return status;
    return {status.error_code(), absl::StrCat(Name(), ":", message), status.error_details()};
  }

  int Print(const v1::ImportExamplesResponse& response) const {
    if (options_.quiet) return kSuccess;
    if (session_.json) return session_.PrintJson(response);
    const v1::Dataset& dataset = response.dataset();
    std::cout << "imported into " << Printable(dataset.name()) << "@" << dataset.version() << ", which has "
              << dataset.example_count() << " examples\n";
    std::vector<std::pair<std::string, std::string>> splits;
    for (const v1::Split& split : dataset.splits()) {
      splits.emplace_back(absl::StrCat("  ", split.name()), absl::StrCat(split.example_count()));
    }
    if (!splits.empty()) std::cout << FieldList(splits);
    return kSuccess;
  }

  const Session& session_;
  const DatasetImport& options_;
  const std::unique_ptr<v1::DatasetService::Stub> stub_;
  bool created_ = false;
};

}  // namespace

int ImportDataset(const Session& session, const DatasetImport& options) { return Importer(session, options).Run(); }

void AddDatasetsImportCommand(CLI::App& datasets, Action& action) {
  auto options = std::make_shared<DatasetImport>();
  CLI::App* command =
      datasets.add_subcommand("import", "Store the examples of a file, as a dataset or its next version");
  command->add_option("file", options->file, "A JSON object a line, or with .csv a table whose first line names fields")
      ->required()
      ->type_name("FILE");
  command->add_option("--as", options->id, "The dataset; it is made if it is missing")->required()->type_name("ID");
  CLI::Option* program = command->add_option("--program", options->program, "Examples have this program's fields");
  program->type_name("ID");
  command->add_option("--signature", options->signature, "Examples have this signature's fields")
      ->type_name("SIGNATURE")
      ->excludes(program);
  command->add_option("--inputs", options->inputs, "The fields that are inputs; those of the program or signature")
      ->delimiter(',')
      ->type_name("A,B");
  command->add_option("--id-key", options->id_key, "The field that holds an example's id")->type_name("FIELD");
  command->add_option("--split", options->splits, "Parts and their shares, as train=0.8,dev=0.2")
      ->type_name("NAME=SHARE,...");
  command->add_option("--seed", options->seed, "Shuffles before the dataset is split, as Python's random does (0)")
      ->type_name("NUMBER");
  command->add_flag("--allow-other-fields", options->allow_other_fields,
                    "Take fields that the program or signature does not have");
  command->add_flag("--append", options->append, "Add to the examples that are there, in place of replacing them");
  command->callback(
      [options, &action] { action = [options](const Session& session) { return ImportDataset(session, *options); }; });
}

}  // namespace dspex::cli
