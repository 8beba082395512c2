#include "server/cli/definition.h"

#include <absl/strings/ascii.h>
#include <absl/strings/str_cat.h>
#include <absl/strings/str_join.h>
#include <absl/strings/str_split.h>
#include <google/protobuf/util/json_util.h>

#include <nlohmann/json.hpp>

#include "engine/json/json.h"

namespace dspex::cli {

namespace {

std::string FieldNames(const google::protobuf::RepeatedPtrField<v1::Field>& fields) {
  return absl::StrJoin(fields, ", ", [](std::string* out, const v1::Field& field) {
    absl::StrAppend(out, field.name(), field.type().empty() ? "" : ": ", field.type());
  });
}

std::string SignatureText(const v1::Predictor& predictor) {
  if (predictor.has_signature()) return predictor.signature();
  const v1::Signature& signature = predictor.structured_signature();
  return absl::StrCat(FieldNames(signature.inputs()), " -> ", FieldNames(signature.outputs()));
}

const v1::Predictor* PredictorOf(const v1::Module& module) {
  switch (module.kind_case()) {
    case v1::Module::kPredict:
      return &module.predict();
    case v1::Module::kChainOfThought:
      return &module.chain_of_thought();
    case v1::Module::kReact:
      return &module.react().predictor();
    case v1::Module::kMultiChainComparison:
      return &module.multi_chain_comparison().predictor();
    default:
      return nullptr;
  }
}

}  // namespace

absl::StatusOr<v1::CreateProgramRequest> DefinitionFromJson(absl::string_view text) {
  const absl::StatusOr<Json> json = ParseJson(text);
  if (!json.ok()) return absl::InvalidArgumentError(json.status().message());
  v1::CreateProgramRequest request;
  const bool is_request = json->is_object() && json->contains("program");
  google::protobuf::Message& target =
      is_request ? static_cast<google::protobuf::Message&>(request) : *request.mutable_program();
  const auto status =
      google::protobuf::util::JsonStringToMessage(google::protobuf::StringPiece(text.data(), text.size()), &target);
  if (!status.ok()) return absl::InvalidArgumentError(std::string(status.message()));
  return request;
}

absl::Status AddDemos(absl::string_view jsonl, v1::Predictor& predictor) {
  int number = 0;
  for (absl::string_view line : absl::StrSplit(jsonl, '\n')) {
    ++number;
    line = absl::StripAsciiWhitespace(line);
    if (line.empty()) continue;
    const absl::StatusOr<Json> json = ParseJson(line);
    if (!json.ok() || !json->is_object()) {
      return absl::InvalidArgumentError(absl::StrCat("line ", number, " is no JSON object"));
    }
    predictor.add_demos()->set_fields_json(std::string(line));
  }
  return absl::OkStatus();
}

std::string Summary(const v1::Module& module) {
  const auto* oneof = v1::Module::descriptor()->FindOneofByName("kind");
  const auto* kind = module.GetReflection()->GetOneofFieldDescriptor(module, oneof);
  if (kind == nullptr) return "";
  const v1::Predictor* predictor = PredictorOf(module);
  return predictor == nullptr ? kind->name() : absl::StrCat(kind->name(), ": ", SignatureText(*predictor));
}

}  // namespace dspex::cli
