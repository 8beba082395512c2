#pragma once

#include <absl/status/statusor.h>
#include <absl/strings/string_view.h>

#include <string>
#include <vector>

namespace dspex::cli {

/// A program's inputs as one JSON object out of words "name=value". A value that is a JSON list or object goes in as it
/// is written, anything else as a string, which the server coerces to the field's type. INVALID_ARGUMENT if a word has
/// no "=" or no name, or a name comes twice.
absl::StatusOr<std::string> InputsJson(const std::vector<std::string>& words);

/// "qa" and "qa@prod" as resource names; what begins with "programs/" stays as it is.
std::string ProgramName(absl::string_view id);

/// The same of datasets: "datasets/qa@3".
std::string DatasetResource(absl::string_view id);

}  // namespace dspex::cli
