#pragma once

#include <absl/status/statusor.h>
#include <absl/strings/string_view.h>

#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "engine/json/json.h"
#include "engine/state/json_text.h"

namespace dspex {

/// What DSPy saves of a signature's field: neither its name nor its type, only its place.
struct SavedField {
  std::string prefix;
  /// None (null) where the author said None.
  std::optional<std::string> description;

  bool operator==(const SavedField&) const = default;
};

/// One record of a saved state.
struct SavedPredictor {
  /// Where the predictor is in the Python program: "self" (the program is a Predict), "predict" (it is a
  /// ChainOfThought), "cot.predict", "hops[0]", "d['k']".
  std::string path;
  /// Whether it is a Predict's. Others (Flex, Retrieve) have members only.
  bool is_predict = true;
  /// The signature's. DSPy writes its own sentence where the author gave none.
  std::string instructions;
  /// Inputs before outputs.
  std::vector<SavedField> fields;
  /// Compact JSON objects.
  std::vector<std::string> demos;
  /// The compact JSON object of the predictor's language model; "null" if it has none of its own.
  std::string lm = "null";
  /// All keys of the record in order: traces, train and what else there is, as compact JSON. The texts of demos,
  /// signature and lm, which stand above, are empty.
  std::vector<JsonMember> members;
};

/// A state as DSPy's `module.save("x.json")` writes it: what can be learned, without the program it belongs to.
struct SavedState {
  std::vector<SavedPredictor> predictors;
  /// The compact object "metadata".
  std::string metadata = "{}";
  /// Its dependency_versions: python, dspy, cloudpickle. Not written: `metadata` is.
  std::vector<std::pair<std::string, std::string>> dependency_versions;
};

/// Reads a state that anybody may have written; no code is looked up, no path opened. What DSPy's own load refuses is
/// refused: a record without its parts, and a language model of a class other than DSPy's or with an engine of one's
/// own, which Python would import. INVALID_ARGUMENT: INVALID_JSON, or INVALID_STATE with metadata `path`
/// ("cot.predict.signature.fields[2]"). Linear in the text's length.
absl::StatusOr<SavedState> ReadState(absl::string_view text, const JsonLimits& limits = {});

/// Reads one record, compact, as it stands in a state. Errors as ReadState's.
absl::StatusOr<SavedPredictor> ReadPredictorState(absl::string_view path, absl::string_view record);

/// The record of a predictor, compact.
std::string PredictorStateText(const SavedPredictor& predictor);

/// Writes a state byte for byte as DSPy does: indented by two, a newline at the end. What was read from a text that
/// DSPy wrote gives that text.
std::string WriteState(const SavedState& state);

}  // namespace dspex
