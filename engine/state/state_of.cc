#include "engine/state/state_of.h"

#include <absl/container/flat_hash_map.h>
#include <absl/strings/str_cat.h>

#include <algorithm>
#include <nlohmann/json.hpp>

#include "engine/base/error.h"
#include "engine/program/demo_json.h"
#include "engine/state/lm_record.h"
#include "engine/state/match_state.h"
#include "engine/state/program_predictors.h"
#include "engine/state/state_error.h"

namespace dspex {

namespace {

absl::StatusOr<std::string> StructText(const google::protobuf::Struct& fields, const Signature& signature) {
  const absl::StatusOr<Json> demo = DemoFromStruct(fields, signature);
  if (!demo.ok()) return demo.status();
  std::string text;
  AppendOrjson(text, *demo);
  return text;
}

absl::Status ReadDemos(const v1::Predictor& predictor, const Signature& signature, const v1::SavedPredictor* kept,
                       std::vector<std::string>& demos) {
  absl::flat_hash_map<absl::string_view, absl::string_view> written;
  if (kept != nullptr) {
    for (const v1::SavedDemo& demo : kept->demos()) written.emplace(demo.fields_json(), demo.saved_json());
  }
  for (const v1::Example& demo : predictor.demos()) {
    const std::string path = absl::StrCat("demos[", demos.size(), "]");
    const auto saved = demo.has_fields_json() ? written.find(demo.fields_json()) : written.end();
    absl::StatusOr<std::string> text = saved != written.end()   ? CompactJson(saved->second)
                                       : demo.has_fields_json() ? CompactJson(demo.fields_json())
                                                                : StructText(demo.fields(), signature);
    if (!text.ok()) return WithFieldPrefix(text.status(), path);
    if (!IsJsonObject(*text)) return InvalidState(path, "is no object", "A demo is an object of field values");
    demos.push_back(*std::move(text));
  }
  return absl::OkStatus();
}

// What DSPy saves of a predictor that nothing was learned for.
SavedPredictor FreshPredictor(const std::string& path) {
  SavedPredictor fresh;
  fresh.path = path;
  fresh.members = {{"traces", "[]"}, {"train", "[]"}, {"demos", ""}, {"signature", ""}, {"lm", ""}};
  return fresh;
}

// The record of the state imported last.
absl::StatusOr<SavedPredictor> KeptPredictor(const v1::SavedPredictor& kept) {
  const absl::StatusOr<std::string> record = CompactJson(kept.record_json());
  if (!record.ok()) return record.status();
  absl::StatusOr<SavedPredictor> saved = ReadPredictorState(kept.path(), *record);
  if (saved.ok() && !saved->is_predict) {
    return InvalidState(kept.path(), "is no record of a Predict", "Import the state again");
  }
  return saved;
}

// The fields as they are now, in the imported state's words where those say the same.
std::vector<SavedField> Fields(const Signature& signature, const std::vector<SavedField>& kept) {
  const bool is_same_signature = kept.size() == signature.inputs().size() + signature.outputs().size();
  std::vector<SavedField> fields;
  for (const auto* side : {&signature.inputs(), &signature.outputs()}) {
    for (const Field& field : *side) {
      SavedField now{field.prefix, field.description};
      if (is_same_signature) {
        const SavedField& before = kept[fields.size()];
        if (SaidDescription(before, field.name) == SaidDescription(now, field.name)) {
          now.description = before.description;
        }
        if (before.prefix.empty() && MakeField(field.name, Type()).prefix == field.prefix) now.prefix.clear();
      }
      fields.push_back(std::move(now));
    }
  }
  return fields;
}

std::string Instructions(const Signature& signature, const SavedPredictor* kept, const StateOfOptions& options) {
  if (kept != nullptr && signature.WithInstructions(kept->instructions).instructions() == signature.instructions()) {
    return kept->instructions;
  }
  if (!signature.instructions().empty() || !options.default_instructions) return signature.instructions();
  return options.default_instructions(signature);
}

absl::StatusOr<SavedPredictor> PredictorState(const v1::Program& program, const ProgramPredictor& described,
                                              const StateOfOptions& options) {
  const v1::Module& module = program.modules(described.module);
  const v1::Predictor& predictor = PredictorOf(module);
  SavedPredictor saved = FreshPredictor(described.path);
  const v1::SavedPredictor* kept = nullptr;
  const bool has_record =
      described.is_path_known && !program.saved_state().predictors(described.module).record_json().empty();
  if (has_record) {
    kept = &program.saved_state().predictors(described.module);
    if (kept->path().empty() && program.modules_size() > 1) {
      return InvalidState("", "says of one of several predictors that it is the program", "Import the state again");
    }
    absl::StatusOr<SavedPredictor> record = KeptPredictor(*kept);
    if (!record.ok()) {
      return WithFieldPrefix(record.status(), absl::StrCat("saved_state.predictors[", described.module, "]"));
    }
    saved = *std::move(record);
    const absl::StatusOr<LmSettings> was = ReadLmRecord(saved.lm);
    if (!was.ok()) return was.status();
    saved.lm = UpdatedLmRecord(saved.lm, {was->lm, kept->lm_options(), {}}, module.lm(), predictor.options());
    saved.instructions = Instructions(described.signature, &saved, options);
  } else {
    if (!module.lm().empty()) saved.lm = NewLmRecord(module.lm(), predictor.options());
    saved.instructions = Instructions(described.signature, nullptr, options);
  }
  saved.fields = Fields(described.signature, saved.fields);
  saved.demos.clear();
  absl::Status status = ReadDemos(predictor, described.signature, kept, saved.demos);
  if (!status.ok()) return WithFieldPrefix(status, absl::StrCat("modules[", described.module, "]"));
  return saved;
}

absl::StatusOr<std::string> Metadata(const v1::Program& program, const StateOfOptions& options) {
  if (!program.saved_state().metadata_json().empty()) {
    absl::StatusOr<std::string> metadata = CompactJson(program.saved_state().metadata_json());
    if (!metadata.ok()) return WithFieldPrefix(metadata.status(), "saved_state.metadata_json");
    return metadata;
  }
  std::vector<JsonMember> versions;
  for (const auto& [name, version] : options.dependency_versions) versions.push_back({name, JsonStringText(version)});
  return JsonObjectText({{"dependency_versions", JsonObjectText(versions)}});
}

}  // namespace

absl::StatusOr<SavedState> StateOf(const v1::Program& program, const StateOfOptions& options) {
  const absl::StatusOr<std::vector<ProgramPredictor>> predictors = PredictorsOf(program);
  if (!predictors.ok()) return predictors.status();
  SavedState state;
  for (const ProgramPredictor& described : *predictors) {
    absl::StatusOr<SavedPredictor> predictor = PredictorState(program, described, options);
    if (!predictor.ok()) return predictor.status();
    state.predictors.push_back(*std::move(predictor));
  }
  absl::StatusOr<std::string> metadata = Metadata(program, options);
  if (!metadata.ok()) return metadata.status();
  state.metadata = *std::move(metadata);
  return state;
}

}  // namespace dspex
