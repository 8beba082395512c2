#pragma once

#include <absl/status/statusor.h>
#include <absl/strings/string_view.h>

#include <string>

#include "dspex/v1/program_service.pb.h"

namespace dspex::cli {

/// Reads {"program_id": "...", "program": {...}}, or a program alone, as JSON. INVALID_ARGUMENT says what is wrong.
absl::StatusOr<v1::CreateProgramRequest> DefinitionFromJson(absl::string_view text);

/// Adds the demos of a JSON-lines text, one object of fields a line; empty lines are skipped. INVALID_ARGUMENT names
/// the line that is none.
absl::Status AddDemos(absl::string_view jsonl, v1::Predictor& predictor);

/// What a module does, for people: "predict: question -> answer".
std::string Summary(const v1::Module& module);

}  // namespace dspex::cli
