#include "server/cli/example_set.h"

#include <absl/strings/ascii.h>
#include <absl/strings/escaping.h>
#include <absl/strings/match.h>
#include <absl/strings/str_cat.h>
#include <grpcpp/channel.h>
#include <grpcpp/client_context.h>

#include <filesystem>

#include "dspex/v1/dataset_service.grpc.pb.h"
#include "server/cli/datasets_import.h"
#include "server/cli/values.h"
#include "server/config/read_file.h"
#include "server/service/digest.h"

namespace dspex::cli {

namespace {

/// "train-1f2e3d4c" for data/train.jsonl: the same for the same contents and program.
absl::StatusOr<std::string> IdOf(const std::string& file, const std::string& program) {
  const absl::StatusOr<std::string> contents = ReadFile(file);
  if (!contents.ok()) return contents.status();
  const std::string digest = Sha256(absl::StrCat(program, "\n", *contents));
  std::string id;
  for (const char c : std::filesystem::path(file).stem().string()) {
    const char lower = absl::ascii_tolower(static_cast<unsigned char>(c));
    const bool known = absl::ascii_islower(static_cast<unsigned char>(lower)) ||
                       (absl::ascii_isdigit(static_cast<unsigned char>(lower)) && !id.empty());
    if (known) id.push_back(lower);
    if (!known && !id.empty() && id.back() != '-') id.push_back('-');
    if (id.size() >= 40) break;
  }
  if (id.empty()) id = "data";
  if (id.back() != '-') id.push_back('-');
  return absl::StrCat(id, absl::BytesToHexString(digest.substr(0, 4)));
}

absl::Status Import(const Session& session, const std::string& file, const std::string& id,
                    const std::string& program) {
  v1::GetDatasetRequest request;
  request.set_name(absl::StrCat("datasets/", id));
  v1::GetDatasetResponse response;
  const auto stub = v1::DatasetService::NewStub(session.Connect());
  const grpc::Status known = stub->GetDataset(session.NewContext().get(), request, &response);
  if (known.ok() && response.dataset().version() > 0) return absl::OkStatus();
  DatasetImport import;
  import.file = file;
  import.id = id;
  import.program = program;
  import.quiet = true;
  if (ImportDataset(session, import) != kSuccess) return absl::AbortedError("the examples were not imported");
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<v1::ExampleSet> ReadExampleSet(const Session& session, const std::string& text,
                                              const std::string& program) {
  v1::ExampleSet set;
  if (absl::EndsWithIgnoreCase(text, ".jsonl") || absl::EndsWithIgnoreCase(text, ".csv")) {
    const std::string whole = program.substr(0, program.find('@'));
    const absl::StatusOr<std::string> id = IdOf(text, whole);
    if (!id.ok()) return id.status();
    if (absl::Status imported = Import(session, text, *id, whole); !imported.ok()) return imported;
    set.set_dataset(absl::StrCat("datasets/", *id));
    return set;
  }
  const std::size_t colon = text.find(':');
  set.set_dataset(DatasetResource(text.substr(0, colon)));
  if (colon != std::string::npos) set.set_split(text.substr(colon + 1));
  return set;
}

}  // namespace dspex::cli
