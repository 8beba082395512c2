#pragma once

#include <absl/strings/string_view.h>

#include <string>

#include "engine/json/json.h"

namespace dspex {

/// What is wrong with a constraint's rule or value, as a sentence without its point; empty if nothing is.
std::string ConstraintProblem(absl::string_view rule, const Json& value);

}  // namespace dspex
