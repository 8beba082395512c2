#pragma once

#include <absl/status/statusor.h>
#include <absl/strings/string_view.h>

#include <string>
#include <vector>

#include "dspex/v1/program.pb.h"

namespace dspex {

// The record of a language model in a saved state: {"_dspy_lm_class", "model", "model_type", "cache", "num_retries",
// then the model's own settings, ...}, as compact JSON; "null" for none.

/// Checks a record that anybody may have written: null, or an object of one of DSPy's own classes, with an engine that
/// is a word. INVALID_STATE otherwise: of another class, or with an object for an engine, Python would import code.
absl::Status CheckLmRecord(absl::string_view record, absl::string_view path);

/// What of a record has a place in a program.
struct LmSettings {
  /// "provider/model"; empty if the record is null. DSPy takes a model without a provider for OpenAI's.
  std::string lm;
  v1::LmOptions options;
  /// Keys that say something and have no place here; they are kept for the way back.
  std::vector<std::string> unplaced;
};

/// Reads a checked record. UNIMPLEMENTED / UNSUPPORTED for a model that does not generate (TypeSafe).
absl::StatusOr<LmSettings> ReadLmRecord(absl::string_view record);

/// Takes out what must not come from a file: a key (api_key), and unless `keep_endpoints` where requests would go
/// (api_base, base_url, model_list). Returns the names of what it took.
std::vector<std::string> DropEndpoints(std::string& record, bool keep_endpoints);

/// The record with `lm` and `options` in place of its own where they differ from `was`, which ReadLmRecord made of it.
/// An option that `was` does not have is the program's own (DSPy's Predict.config, which is not saved) and stays out.
std::string UpdatedLmRecord(absl::string_view record, const LmSettings& was, const std::string& lm,
                            const v1::LmOptions& options);

/// The record that DSPy would write for a model of these settings.
std::string NewLmRecord(const std::string& lm, const v1::LmOptions& options);

/// Clears the options that have the value they have in `other`.
void ClearEqualOptions(v1::LmOptions& options, const v1::LmOptions& other);

/// Sets the options of `other` that `options` does not have. Returns the names of those that it has with another value.
std::vector<std::string> FillOptions(v1::LmOptions& options, const v1::LmOptions& other);

}  // namespace dspex
