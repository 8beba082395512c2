#pragma once

#include <absl/status/statusor.h>
#include <absl/strings/string_view.h>

#include <optional>
#include <string>

#include "server/store/program_store.h"

namespace dspex {

/// Whether `id` can be the id of a program, or a label: a lower-case letter, then lower-case letters, digits or '-'; at
/// most 63.
bool IsProgramId(absl::string_view id);

/// The parts of "programs/{id}" or "programs/{id}@{revision or label}", not checked. No allocation.
struct ProgramNameParts {
  absl::string_view id;
  /// Empty: the newest revision.
  absl::string_view selector;
};

/// nullopt if the name has not the form. What lies within the parts is not looked at.
std::optional<ProgramNameParts> SplitProgramName(absl::string_view name);

/// A program, or one revision of it.
struct ProgramName {
  std::string id;
  RevisionSelector selector;
};

/// Reads "programs/{id}" or "programs/{id}@{revision or label}". INVALID_ARGUMENT / INVALID_REQUEST with a violation of
/// the request's `field`.
absl::StatusOr<ProgramName> ParseProgramName(absl::string_view name, absl::string_view field);

/// Reads "programs/{id}", the whole program; returns the id.
absl::StatusOr<std::string> ParseWholeProgramName(absl::string_view name, absl::string_view field);

}  // namespace dspex
