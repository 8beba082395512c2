#include "engine/program/predictor_signature.h"

#include <absl/strings/str_cat.h>

#include <memory>
#include <nlohmann/json.hpp>
#include <string>
#include <utility>
#include <vector>

#include "dspex/v1/program.pb.h"
#include "engine/base/error.h"
#include "engine/program/struct_json.h"
#include "engine/signature/named_type.h"

namespace dspex {

namespace {

constexpr absl::string_view kReasoning = "reasoning";

absl::StatusOr<std::shared_ptr<const TypeTable>> ReadTypes(const v1::Predictor& predictor) {
  if (predictor.types().empty()) return std::shared_ptr<const TypeTable>();
  std::vector<TypeTable::Declaration> declarations;
  for (const v1::TypeDeclaration& type : predictor.types()) {
    const bool is_text = type.has_schema_json();
    absl::StatusOr<Json> schema = is_text ? ParseJson(type.schema_json()) : JsonFromStruct(type.schema());
    if (!schema.ok()) {
      const absl::string_view member = is_text ? "schema_json" : "schema";
      return WithFieldPrefix(schema.status(), absl::StrCat("types[", declarations.size(), "].", member));
    }
    declarations.emplace_back(type.name(), *std::move(schema));
  }
  absl::StatusOr<std::shared_ptr<const TypeTable>> types = TypeTable::Create(std::move(declarations));
  if (!types.ok()) return WithFieldPrefix(types.status(), "types");
  return types;
}

absl::StatusOr<Signature> ReadOwn(const v1::Predictor& predictor, const std::shared_ptr<const TypeTable>& types) {
  const bool is_text = predictor.has_signature();
  absl::StatusOr<Signature> signature =
      is_text ? Signature::FromString(predictor.signature(), predictor.instructions(), types)
              : Signature::FromProto(predictor.structured_signature(), predictor.instructions(), types);
  if (!signature.ok()) return WithFieldPrefix(signature.status(), is_text ? "signature" : "structured_signature");
  return signature;
}

absl::StatusOr<Field> ReadRationale(const v1::Predictor& predictor, const std::shared_ptr<const TypeTable>& types) {
  v1::Signature alone;
  *alone.add_outputs() = predictor.rationale();
  alone.mutable_outputs(0)->set_name(std::string(kReasoning));
  const absl::StatusOr<Signature> signature = Signature::FromProto(alone, "", types);
  if (!signature.ok()) return WithFieldPrefix(signature.status(), "rationale");
  return signature->outputs().front();
}

}  // namespace

absl::StatusOr<PredictorSignature> ReadPredictorSignature(const v1::Predictor& predictor, bool is_chain_of_thought) {
  const absl::StatusOr<std::shared_ptr<const TypeTable>> types = ReadTypes(predictor);
  if (!types.ok()) return types.status();
  absl::StatusOr<Signature> own = ReadOwn(predictor, *types);
  if (!own.ok()) return own.status();
  if (!is_chain_of_thought) return PredictorSignature{*own, *own};
  absl::StatusOr<Field> rationale = ReadRationale(predictor, *types);
  if (!rationale.ok()) return rationale.status();
  Signature extended = own->Prepend(Signature::Side::kOutputs, *std::move(rationale));
  return PredictorSignature{*std::move(own), std::move(extended)};
}

}  // namespace dspex
