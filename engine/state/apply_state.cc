#include "engine/state/apply_state.h"

#include <absl/strings/str_cat.h>
#include <absl/strings/str_join.h>

#include <algorithm>
#include <nlohmann/json.hpp>
#include <utility>

#include "engine/json/utf8.h"
#include "engine/state/lm_record.h"
#include "engine/state/match_state.h"
#include "engine/state/program_predictors.h"
#include "engine/state/state_error.h"

namespace dspex {

namespace {

// What every record has.
constexpr absl::string_view kRecordKeys[] = {"traces", "train", "demos", "signature", "lm"};

// Whether both are the same JSON, however it is spelled.
bool IsSameValue(absl::string_view a, absl::string_view b) {
  const absl::StatusOr<Json> first = ParseJson(a);
  const absl::StatusOr<Json> second = ParseJson(b);
  if (!first.ok() || !second.ok()) return false;
  std::string spelled;
  std::string other;
  AppendOrjson(spelled, *first);
  AppendOrjson(other, *second);
  return spelled == other;
}

class Applier {
 public:
  Applier(v1::Program program, const ApplyStateOptions& options) : program_(std::move(program)), options_(options) {}

  absl::Status Apply(const SavedState& state, const std::vector<ProgramPredictor>& predictors) {
    v1::SavedState kept;
    kept.set_metadata_json(state.metadata);
    for (std::size_t i = 0; i < predictors.size(); ++i) {
      absl::Status status = ApplyPredictor(state.predictors[i], predictors[i], *kept.add_predictors());
      if (!status.ok()) return status;
    }
    *program_.mutable_saved_state() = std::move(kept);
    return absl::OkStatus();
  }

  AppliedState Take() { return {std::move(program_), std::move(warnings_)}; }

 private:
  absl::Status ApplyPredictor(SavedPredictor saved, const ProgramPredictor& described, v1::SavedPredictor& kept) {
    v1::Predictor& predictor = PredictorOf(*program_.mutable_modules(described.module));
    ApplyInstructions(saved, described, predictor);
    ApplyFields(saved, described, predictor);
    absl::Status status = ApplyLm(saved, described, predictor, kept);
    if (!status.ok()) return status;
    if (!options_.keep_demos || saved.demos.size() != static_cast<std::size_t>(predictor.demos_size())) {
      predictor.clear_demos();
      for (std::string& demo : saved.demos) predictor.add_demos()->set_fields_json(std::move(demo));
    } else {
      KeepDemos(saved.demos, predictor, kept);
    }
    saved.demos.clear();
    WarnOfOtherKeys(saved);
    kept.set_path(saved.path);
    kept.set_record_json(PredictorStateText(saved));
    return absl::OkStatus();
  }

  void ApplyInstructions(const SavedPredictor& saved, const ProgramPredictor& described, v1::Predictor& predictor) {
    if (saved.instructions.empty()) {
      Warn(saved.path, "has empty instructions; the signature's own, or a sentence that names the fields, stand in.");
    }
    if (described.own.WithInstructions(saved.instructions).instructions() == described.own.instructions()) return;
    predictor.set_instructions(saved.instructions);
  }

  static void ApplyFields(const SavedPredictor& saved, const ProgramPredictor& described, v1::Predictor& predictor) {
    std::vector<const Field*> fields;
    for (const Field& field : described.signature.inputs()) fields.push_back(&field);
    for (const Field& field : described.signature.outputs()) fields.push_back(&field);
    for (std::size_t i = 0; i < fields.size(); ++i) {
      const Field& field = *fields[i];
      const std::string inferred = MakeField(field.name, Type()).prefix;
      const std::string& prefix = saved.fields[i].prefix;
      const std::string description = SaidDescription(saved.fields[i], field.name);
      const SavedField present{field.prefix, field.description};
      if (description == SaidDescription(present, field.name) && (prefix.empty() ? inferred : prefix) == field.prefix) {
        continue;
      }
      v1::Field& proto = FieldOf(predictor, described, field.name);
      proto.set_description(description);
      proto.set_prefix(prefix == inferred ? "" : prefix);
    }
  }

  absl::Status ApplyLm(SavedPredictor& saved, const ProgramPredictor& described, v1::Predictor& predictor,
                       v1::SavedPredictor& kept) {
    const std::vector<std::string> dropped = DropEndpoints(saved.lm, options_.keep_endpoints);
    if (!dropped.empty()) {
      Warn(saved.path,
           absl::StrCat("has settings of its language model that say where and as whom requests go; they are "
                        "left out: ",
                        absl::StrJoin(dropped, ", "), "."));
    }
    const absl::StatusOr<LmSettings> settings = ReadLmRecord(saved.lm);
    if (!settings.ok()) return settings.status();
    if (!settings->unplaced.empty()) {
      Warn(saved.path,
           absl::StrCat("has settings of its language model that have no effect here; they are kept for the "
                        "export: ",
                        Shorten(absl::StrJoin(settings->unplaced, ", "), 500), "."));
    }
    v1::Module& module = *program_.mutable_modules(described.module);
    ForgetLastLm(described.module, module, predictor);
    if (!settings->lm.empty()) module.set_lm(settings->lm);
    const std::vector<std::string> overruled = FillOptions(*predictor.mutable_options(), settings->options);
    if (!overruled.empty()) {
      Warn(saved.path, absl::StrCat("has settings that the program sets itself; the program's stay in force: ",
                                    absl::StrJoin(overruled, ", "), "."));
    }
    if (predictor.options().ByteSizeLong() == 0) predictor.clear_options();
    *kept.mutable_lm_options() = settings->options;
    return absl::OkStatus();
  }

  // Takes back what the state imported before had brought and nobody changed since.
  void ForgetLastLm(int index, v1::Module& module, v1::Predictor& predictor) {
    if (program_.saved_state().predictors_size() != program_.modules_size()) return;
    const v1::SavedPredictor& last = program_.saved_state().predictors(index);
    ClearEqualOptions(*predictor.mutable_options(), last.lm_options());
    const absl::StatusOr<std::string> record = CompactJson(last.record_json());
    if (!record.ok()) return;
    const absl::StatusOr<SavedPredictor> saved = ReadPredictorState(last.path(), *record);
    if (!saved.ok()) return;
    const absl::StatusOr<LmSettings> settings = ReadLmRecord(saved->lm);
    if (settings.ok() && settings->lm == module.lm()) module.clear_lm();
  }

  static void KeepDemos(std::vector<std::string>& saved, v1::Predictor& predictor, v1::SavedPredictor& kept) {
    for (std::size_t i = 0; i < saved.size(); ++i) {
      v1::Example& demo = *predictor.mutable_demos(static_cast<int>(i));
      if (IsSameValue(demo.fields_json(), saved[i])) {
        demo.set_fields_json(std::move(saved[i]));
        continue;
      }
      v1::SavedDemo& written = *kept.add_demos();
      written.set_fields_json(demo.fields_json());
      written.set_saved_json(std::move(saved[i]));
    }
  }

  void WarnOfOtherKeys(const SavedPredictor& saved) {
    std::vector<std::string> others;
    for (const JsonMember& member : saved.members) {
      const bool is_known =
          std::find(std::begin(kRecordKeys), std::end(kRecordKeys), member.key) != std::end(kRecordKeys);
      if (!is_known && member.text != "{}" && member.text != "null") others.push_back(member.key);
    }
    if (others.empty()) return;
    Warn(saved.path, absl::StrCat("has keys that have no effect here; they are kept for the export: ",
                                  Shorten(absl::StrJoin(others, ", "), 500), "."));
  }

  void Warn(absl::string_view path, absl::string_view what) {
    warnings_.push_back(absl::StrCat(ShownPath(path), " ", what));
  }

  v1::Program program_;
  const ApplyStateOptions& options_;
  std::vector<std::string> warnings_;
};

}  // namespace

absl::StatusOr<AppliedState> ApplyState(v1::Program program, const SavedState& state,
                                        const ApplyStateOptions& options) {
  const absl::StatusOr<std::vector<ProgramPredictor>> predictors = PredictorsOf(program);
  if (!predictors.ok()) return predictors.status();
  absl::Status status = MatchState(state, *predictors, program);
  if (!status.ok()) return status;
  Applier applier(std::move(program), options);
  status = applier.Apply(state, *predictors);
  if (!status.ok()) return status;
  return applier.Take();
}

}  // namespace dspex
