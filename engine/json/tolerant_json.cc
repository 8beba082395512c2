#include "engine/json/tolerant_json.h"

#include <absl/strings/str_cat.h>

#include <nlohmann/json.hpp>
#include <optional>
#include <utility>

#include "engine/base/error.h"
#include "engine/base/reasons.h"
#include "engine/json/repair/python_json.h"
#include "engine/json/repair/repairer.h"
#include "engine/json/utf8.h"

namespace dspex {

namespace {

absl::Status TolerantJsonError(std::size_t position, absl::string_view problem, absl::string_view advice) {
  return Error(absl::StatusCode::kInvalidArgument, reason::kInvalidJson,
               absl::StrCat("The text cannot be read as JSON at byte ", position, ": ", problem, ". ", advice))
      .With("position", static_cast<long long>(position));
}

}  // namespace

absl::StatusOr<Json> ParseTolerantJson(absl::string_view text, const JsonLimits& limits) {
  if (text.size() > limits.max_bytes) {
    return TolerantJsonError(limits.max_bytes, absl::StrCat("it is longer than ", limits.max_bytes, " bytes"),
                             "Send less at once.");
  }
  const std::size_t valid = ValidUtf8Prefix(text);
  if (valid != text.size()) return TolerantJsonError(valid, "it is not UTF-8", "Encode it as UTF-8.");
  Json value;
  PythonJsonReader reader(text, limits);
  switch (reader.ReadText(value)) {
    case PythonJsonReader::Outcome::kRead:
      return value;
    case PythonJsonReader::Outcome::kLimit:
      return TolerantJsonError(reader.position(), "it nests too deeply or has too many values", "Send less at once.");
    case PythonJsonReader::Outcome::kMalformed:
    case PythonJsonReader::Outcome::kLongInteger:
      break;
  }
  Repairer repairer(text, limits);
  std::optional<Json> repaired = repairer.Read();
  if (repaired.has_value()) return *std::move(repaired);
  const ReadFailure& failure = repairer.failure();
  return TolerantJsonError(failure.position, failure.problem, failure.advice);
}

}  // namespace dspex
