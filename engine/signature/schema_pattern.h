#pragma once

#include <absl/status/statusor.h>
#include <absl/strings/string_view.h>

#include <memory>

namespace re2 {
class RE2;
}

namespace dspex {

/// A regular expression of a JSON Schema, compiled to search in linear time. \d, \s and \w stand for all of Unicode's
/// digits, blanks and word characters, as in the engine that pydantic uses. INVALID_ARGUMENT if RE2 does not take it
/// (it looks around, refers back, is too large).
absl::StatusOr<std::shared_ptr<const re2::RE2>> CompileSchemaPattern(absl::string_view pattern);

}  // namespace dspex
