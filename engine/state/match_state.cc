#include "engine/state/match_state.h"

#include <absl/strings/match.h>
#include <absl/strings/str_cat.h>
#include <absl/strings/str_join.h>

#include <algorithm>
#include <string>

#include "dspex/v1/program.pb.h"
#include "engine/base/error.h"
#include "engine/base/reasons.h"
#include "engine/json/utf8.h"
#include "engine/state/state_error.h"

namespace dspex {

namespace {

constexpr std::size_t kShown = 100;

Error Mismatch(absl::string_view path, absl::string_view problem, absl::string_view expected,
               absl::string_view actual) {
  return std::move(Error(absl::StatusCode::kInvalidArgument, reason::kStateMismatch,
                         absl::StrCat("The saved state is not of this program: ", problem,
                                      ". Import it into the program it was saved from, or correct the signature."))
                       .With("path", Shorten(path, kShown))
                       .With("expected", Shorten(expected, kShown))
                       .With("actual", Shorten(actual, kShown)));
}

std::vector<const Field*> FieldsOf(const Signature& signature) {
  std::vector<const Field*> fields;
  for (const Field& field : signature.inputs()) fields.push_back(&field);
  for (const Field& field : signature.outputs()) fields.push_back(&field);
  return fields;
}

std::string Names(const std::vector<const Field*>& fields) {
  return absl::StrJoin(fields, ", ", [](std::string* out, const Field* field) { absl::StrAppend(out, field->name); });
}

// The name in "${name}", which is what DSPy describes a field by of which nothing was said; empty if it is a text.
absl::string_view PlaceholderName(absl::string_view description) {
  if (!absl::StartsWith(description, "${") || !absl::EndsWith(description, "}")) return "";
  const absl::string_view name = description.substr(2, description.size() - 3);
  return name.find_first_of(" ${}") == absl::string_view::npos ? name : "";
}

bool HasLabel(const Field& field, absl::string_view label) {
  return label == field.prefix || label == MakeField(field.name, Type()).prefix;
}

absl::Status MatchField(const SavedField& saved, const std::vector<const Field*>& fields, std::size_t i,
                        absl::string_view path) {
  const Field& field = *fields[i];
  const std::string description = saved.description.value_or("");
  const absl::string_view name = PlaceholderName(description);
  if (!name.empty() && name != field.name && description != field.description) {
    return Mismatch(path,
                    absl::StrCat("field ", i + 1, " of ", ShownPath(path), " is ", Shorten(name, kShown),
                                 ", here it is ", field.name),
                    field.name, name)
        .With("field", field.name);
  }
  if (HasLabel(field, saved.prefix)) return absl::OkStatus();
  const auto other =
      std::find_if(fields.begin(), fields.end(), [&saved](const Field* one) { return HasLabel(*one, saved.prefix); });
  if (other == fields.end()) return absl::OkStatus();  // A label that an optimizer wrote.
  return Mismatch(path,
                  absl::StrCat("field ", i + 1, " of ", ShownPath(path), " has the label of ", (*other)->name,
                               ", here it is ", field.name),
                  field.name, (*other)->name)
      .With("field", field.name);
}

// Whether a predictor can be at that path of a Python program.
bool CanBeAt(const ProgramPredictor& predictor, absl::string_view path, const v1::Program& program) {
  if (predictor.is_path_known) return path == predictor.path;
  // A ChainOfThought has its predictor in its attribute "predict".
  if (predictor.is_chain_of_thought && path != "predict" && !absl::EndsWith(path, ".predict")) return false;
  if (program.modules_size() == 1) return true;
  const std::string& id = program.modules(predictor.module).id();
  return path == id || absl::StartsWith(path, absl::StrCat(id, "."));
}

absl::Status MatchPredictor(const SavedPredictor& saved, const ProgramPredictor& predictor,
                            const v1::Program& program) {
  const absl::string_view kind = predictor.is_chain_of_thought ? "a ChainOfThought" : "a Predict";
  if (!saved.is_predict) {
    return Mismatch(saved.path, absl::StrCat(ShownPath(saved.path), " is neither a Predict nor a ChainOfThought"), kind,
                    "another kind");
  }
  if (!CanBeAt(predictor, saved.path, program)) {
    return Mismatch(saved.path,
                    absl::StrCat("it has ", saved.path.empty() ? "a Predict alone" : ShownPath(saved.path),
                                 " where this program has ", kind, " at ", ShownPath(predictor.path)),
                    predictor.path, saved.path);
  }
  const std::vector<const Field*> fields = FieldsOf(predictor.signature);
  if (saved.fields.size() != fields.size()) {
    return Mismatch(saved.path,
                    absl::StrCat(ShownPath(saved.path), " has ", saved.fields.size(), " fields, here it is ", kind,
                                 " of ", fields.size(), " (", Shorten(Names(fields), kShown), ")"),
                    absl::StrCat(fields.size()), absl::StrCat(saved.fields.size()));
  }
  for (std::size_t i = 0; i < fields.size(); ++i) {
    absl::Status status = MatchField(saved.fields[i], fields, i, saved.path);
    if (!status.ok()) return status;
  }
  return absl::OkStatus();
}

}  // namespace

absl::Status MatchState(const SavedState& state, const std::vector<ProgramPredictor>& predictors,
                        const v1::Program& program) {
  if (state.predictors.size() != predictors.size()) {
    return Mismatch(
        "", absl::StrCat("it has ", state.predictors.size(), " predictors, the program has ", predictors.size()),
        absl::StrCat(predictors.size()), absl::StrCat(state.predictors.size()));
  }
  for (std::size_t i = 0; i < predictors.size(); ++i) {
    absl::Status status = MatchPredictor(state.predictors[i], predictors[i], program);
    if (!status.ok()) return status;
  }
  return absl::OkStatus();
}

std::string SaidDescription(const SavedField& saved, absl::string_view name) {
  const std::string description = saved.description.value_or("");
  return description == absl::StrCat("${", name, "}") ? "" : description;
}

}  // namespace dspex
